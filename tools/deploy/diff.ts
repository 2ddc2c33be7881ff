import { createTwoFilesPatch } from "diff";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { concurrently } from "../kubernetes/concurrently.ts";
import { type Manifest, resourceName } from "../kubernetes/manifest.ts";
import { explain, FIELD_MANAGER } from "./apply.ts";
import { comparable } from "./comparable.ts";
import type { Plan } from "./plan.ts";
import { isUnchanged } from "./unchanged.ts";

const CONCURRENCY = 24;
export interface Differences {
  /** Unified diffs, in the order of the plan. */
  patches: string[];
  /** What the server would refuse. */
  failures: string[];
}

/** What applying a plan would change, by a dry run on the server. */
export async function diffPlan(
  client: KubernetesClient,
  { changes, obsolete }: Plan,
  forceConflicts: boolean,
): Promise<Differences> {
  const failures: string[] = [];
  const patches = await concurrently(changes, CONCURRENCY, async ({ desired, live }) => {
    if (live && isUnchanged(live, desired)) return "";
    try {
      const after = await client.apply(desired, {
        fieldManager: FIELD_MANAGER,
        dryRun: true,
        force: forceConflicts,
      });
      return patch(resourceName(desired), live, after);
    } catch (error) {
      failures.push(explain(desired, error));
      return "";
    }
  });
  for (const object of obsolete) patches.push(patch(resourceName(object), object, undefined));
  return { patches: patches.filter((text) => text !== ""), failures };
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
