import { ApiError } from "../../lib/kubernetes/api-error.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { concurrently } from "../../lib/kubernetes/concurrently.ts";
import { type Manifest, resourceName } from "../../lib/kubernetes/manifest.ts";
import { updateCanaries } from "./canaries.ts";
import { comparable } from "./comparable.ts";
import { keyedGatewayOf, newlyKeyed, PodsWithoutKey, type PodWait, untilKeyed } from "./keyed-pods.ts";
import { orderOf } from "./owned-objects.ts";
import type { Change, Plan } from "./plan.ts";
import { makeSealingKeys } from "./sealing-keys.ts";
import { isUnchanged } from "./unchanged.ts";

export const FIELD_MANAGER = "modelgate";
/** Requests to the API server at a time. */
const CONCURRENCY = 24;

/** The cluster has changed since the plan was made: what is planned anew may succeed. */
export class PlanOutdated extends Error {}

export type Outcome = "created" | "configured" | "unchanged" | "deleted";

interface ApplyOptions {
  dryRun?: boolean;
  /** Namespaces that are not there yet, so that the server can't try out what goes into them. */
  uncheckable?: string[];
  /** Take fields that others have set. */
  forceConflicts?: boolean;
  /** Delete an obsolete object only as long as it is as the plan has it. */
  onlyUnchanged?: boolean;
  /**
   * For pods that have the key to what is sealed in a plug-in. Default: as long as there are others, the
   * plug-in stays as it is, and PodsWithoutKey is thrown.
   */
  wait?: PodWait;
  onDone: (object: Manifest, outcome: Outcome) => void;
}

/**
 * Applies a plan: what is unchanged costs no request, so a run that was cut off goes on where it ended.
 * Objects of one kind go at once, kinds in their order; but pods that are to get a key come before what is
 * sealed with it. Then the obsolete ones are deleted. It goes on after failures.
 * @throws Error with every failure, PlanOutdated when a newer plan is all that is needed, PodsWithoutKey when
 * time is
 */
export async function applyPlan(
  client: KubernetesClient,
  { keys = [], changes, obsolete }: Plan,
  options: ApplyOptions,
): Promise<void> {
  if (!options.dryRun) await makeSealingKeys(client, keys, FIELD_MANAGER);
  for (const key of keys) options.onDone(key, "created");
  const failures: string[] = [];
  let outdated = 0;
  let early = 0;
  const uncheckable = new Set(options.uncheckable);
  const plugins: Manifest[] = [];
  for (const group of groups(changes)) {
    await concurrently(group, CONCURRENCY, async (each) => {
      const { desired, live } = each;
      if (live && isUnchanged(live, desired)) return options.onDone(desired, "unchanged");
      if (uncheckable.has(desired.metadata.namespace ?? "")) return options.onDone(desired, "created");
      try {
        const { dryRun = false, forceConflicts = false } = options;
        const gateway = dryRun || desired.kind !== "WasmPlugin" ? undefined : keyedGatewayOf(each, changes);
        if (gateway) await untilKeyed(client, gateway, options.wait);
        const after = await client.apply(asPlanned(desired, live), {
          fieldManager: FIELD_MANAGER,
          dryRun,
          force: forceConflicts,
        });
        if (!live && !dryRun) await startReplicas(client, desired, changes);
        options.onDone(desired, outcomeOf(live, after, dryRun));
        if (desired.kind === "WasmPlugin" && !dryRun) plugins.push(desired);
      } catch (error) {
        if (isOutdated(error)) outdated++;
        if (error instanceof PodsWithoutKey) early++;
        failures.push(explain(desired, error));
      }
    });
  }
  await updateCanaries(client, plugins);
  if (failures.length === 0)
    for (const object of obsolete) {
      try {
        const { dryRun = false, onlyUnchanged = false } = options;
        if (await client.delete(object, { dryRun, unchanged: onlyUnchanged }))
          options.onDone(object, "deleted");
      } catch (error) {
        failures.push(explain(object, error));
      }
    }
  if (failures.length === 0) return;
  const message = `${failures.length} of ${changes.length + obsolete.length} objects failed:\n  ${failures.join("\n  ")}`;
  if (outdated === failures.length) throw new PlanOutdated(message);
  throw early === failures.length ? new PodsWithoutKey(message) : new Error(message);
}

/**
 * A Deployment that an autoscaler will scale starts with the autoscaler's least replicas, not with one for as
 * long as that takes to look. The field has a manager of its own, so that no later apply takes it from the
 * autoscaler.
 */
async function startReplicas(client: KubernetesClient, created: Manifest, changes: Change[]): Promise<void> {
  if (created.kind !== "Deployment") return;
  const { apiVersion, kind, metadata } = created;
  const { name, namespace } = metadata;
  const scaler = changes.find(
    ({ desired }) =>
      desired.kind === "HorizontalPodAutoscaler" &&
      desired.metadata.name === name &&
      desired.metadata.namespace === namespace,
  );
  if (!scaler) return;
  const { minReplicas } = scaler.desired.spec as { minReplicas: number };
  await client.apply(
    { apiVersion, kind, metadata: { name, namespace }, spec: { replicas: minReplicas } } as Manifest,
    { fieldManager: `${FIELD_MANAGER}-creation`, force: true },
  );
}

/**
 * A gateway keeps the image that it runs, which a rollout changes: its WasmPlugin is applied to the version
 * alone that the image was read from, or a rollout that has just ended would be undone.
 */
function asPlanned(desired: Manifest, live: Manifest | undefined): Manifest {
  if (desired.kind !== "WasmPlugin" || !live) return desired;
  const { resourceVersion } = live.metadata;
  return { ...desired, metadata: { ...desired.metadata, resourceVersion } };
}

/**
 * Whether an object is not at the version that it was to be applied to; conflicts of field managers have
 * causes.
 */
function isOutdated(error: unknown): boolean {
  return error instanceof ApiError && error.code === 409 && error.causes.length === 0;
}

/** A dry run leaves the resource version as it is. */
function outcomeOf(live: Manifest | undefined, after: Manifest, dryRun: boolean): Outcome {
  if (!live) return "created";
  const same = dryRun
    ? comparable(live) === comparable(after)
    : live.metadata.resourceVersion === after.metadata.resourceVersion;
  return same ? "unchanged" : "configured";
}

/** Runs of changes that may go at once: those of one kind and place. */
function groups(changes: Change[]): Change[][] {
  const keyed = newlyKeyed(changes);
  const byPlace = Map.groupBy(
    changes.filter((each) => !keyed.includes(each)),
    ({ desired }) => `${desired.apiVersion} ${desired.kind} ${orderOf(desired)}`,
  );
  return [keyed, ...byPlace.values()];
}

/** What went wrong with an object, and what to do. */
export function explain(object: Manifest, error: unknown): string {
  const name = resourceName(object);
  if (!(error instanceof ApiError))
    return `${name}: ${error instanceof Error ? error.message : String(error)}`;
  const fields = error.causes.map(({ field, message }) => `${field}: ${message}`);
  if (error.code === 409 && fields.length > 0)
    return `${name}: others have set these fields: ${fields.join("; ")} (take them with --force-conflicts, or leave them out here)`;
  if (isOutdated(error)) return `${name}: has changed meanwhile: try again`;
  if (error.code === 404 && /namespaces? /.test(error.message))
    return `${name}: ${error.message} (make it, or let apply --create-namespaces)`;
  return `${name}: ${error.message}`;
}
