import { createTwoFilesPatch } from "diff";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { concurrently } from "../../lib/kubernetes/concurrently.ts";
import { type Manifest, resourceName } from "../../lib/kubernetes/manifest.ts";
import { explain, FIELD_MANAGER } from "./apply.ts";
import { comparable } from "./comparable.ts";
import type { Change, Plan } from "./plan.ts";
import { isUnchanged } from "./unchanged.ts";

const CONCURRENCY = 24;
interface Differences {
  /** Unified diffs, in the order of the plan. */
  patches: string[];
  /** What the server would refuse. */
  failures: string[];
}

interface DiffOptions {
  /** As if fields that others have set were taken. */
  forceConflicts: boolean;
  /**
   * Namespaces that are not there yet: what goes into them is shown as it is sent, for the server can't try
   * it out.
   */
  uncheckable: string[];
}

/** What applying a plan would change, by a dry run on the server. */
export async function diffPlan(
  client: KubernetesClient,
  { changes, obsolete }: Plan,
  { forceConflicts, uncheckable }: DiffOptions,
): Promise<Differences> {
  const failures: string[] = [];
  const unchecked = new Set(uncheckable);
  const patches = await concurrently(changes, CONCURRENCY, async (change) => {
    const { desired, live } = change;
    if (live && isUnchanged(live, desired)) return "";
    const name = resourceName(desired);
    if (unchecked.has(desired.metadata.namespace ?? "")) return patch(name, undefined, desired);
    try {
      const [before, after] = await tryOut(client, change, forceConflicts);
      return patch(name, before, after);
    } catch (error) {
      failures.push(explain(desired, error));
      return "";
    }
  });
  for (const object of obsolete) patches.push(patch(resourceName(object), object, undefined));
  return { patches: patches.filter((text) => text !== ""), failures };
}

/** The object as it is and as an apply would leave it. */
async function tryOut(
  client: KubernetesClient,
  { desired, live }: Change,
  force: boolean,
): Promise<[before: Manifest | undefined, after: Manifest]> {
  const options = { fieldManager: FIELD_MANAGER, dryRun: true };
  if (!live) {
    const created = await client.create(desired, options);
    if (created) return [undefined, created];
  }
  // One without our labels may have the name.
  const before = live ?? (await client.get(desired));
  return [before, await client.apply(desired, { ...options, force })];
}

function patch(name: string, before: Manifest | undefined, after: Manifest | undefined): string {
  const [from, to] = [comparable(before), comparable(after)];
  if (from === to) return "";
  return createTwoFilesPatch(
    before ? name : "/dev/null",
    after ? name : "/dev/null",
    from,
    to,
    "live",
    "applied",
  );
}
