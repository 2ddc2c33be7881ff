import { createTwoFilesPatch } from "diff";
import { stringify } from "yaml";
import { sha256Hex } from "../credentials/digests.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { concurrently } from "../kubernetes/concurrently.ts";
import { type Manifest, resourceName } from "../kubernetes/manifest.ts";
import { explain, FIELD_MANAGER } from "./apply.ts";
import type { Plan } from "./plan.ts";
import { isUnchanged, RENDERED } from "./unchanged.ts";

const CONCURRENCY = 24;
/** What the server writes by itself. */
const SERVER_FIELDS = ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation"];

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
  const [from, to] = [text(before), text(after)];
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

function text(object: Manifest | undefined): string {
  if (!object) return "";
  const { status: _, ...rest } = object;
  const { annotations = {}, ...metadata } = object.metadata;
  for (const field of SERVER_FIELDS) delete metadata[field];
  const shown = Object.entries(annotations).filter(([name]) => name !== RENDERED);
  return stringify(
    masked({
      ...rest,
      metadata: { ...metadata, ...(shown.length > 0 && { annotations: Object.fromEntries(shown) }) },
    }),
    { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false },
  );
}

/** Shared keys give way to the start of their digest: a change shows, the key does not. */
function masked(object: object): object {
  return JSON.parse(
    JSON.stringify(object, (name, value) =>
      name === "secret" && typeof value === "string" ? `(sha256 ${sha256Hex(value).slice(0, 8)}...)` : value,
    ),
  ) as object;
}
