import { InvalidResources } from "../../api/fault.ts";
import type { Loaded } from "../../api/load.ts";
import type { Tenant } from "../../api/tenant.ts";
import { applyPlan, type Outcome, PlanOutdated } from "../../cluster/deploy/apply.ts";
import { FINALIZER, finalizersOf, setFinalizers } from "../../cluster/deploy/finalizer.ts";
import { PodsWithoutKey } from "../../cluster/deploy/keyed-pods.ts";
import { orderOf } from "../../cluster/deploy/owned-objects.ts";
import { liveImages, planObjects } from "../../cluster/deploy/plan.ts";
import { newSealingKeys } from "../../cluster/deploy/sealing-keys.ts";
import { requireSecrets, secretsOfCluster } from "../../cluster/deploy/secrets.ts";
import { type ControllerAddress, tokenSecrets } from "../../cluster/istio/rate-limit-config.ts";
import { renderAll, type Target } from "../../cluster/istio/render.ts";
import { incumbency } from "../../cluster/stored/condition.ts";
import { isDeleted, type Stored, servedTasks, servedTenant } from "../../cluster/stored/custom-resources.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { concurrently } from "../../lib/kubernetes/concurrently.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import type { Reference } from "../../lib/oci/reference.ts";
import type { ClusterCache } from "./cluster-cache.ts";
import { type Finding, report, sendEvent } from "./status.ts";

export interface ReconcileOptions {
  client: KubernetesClient;
  cache: ClusterCache;
  target: Target;
  /** Image of the filter for gateways that run none yet and whose Tenant names none. */
  image?: Reference | undefined;
  controller?: ControllerAddress | undefined;
}

/** Statuses that are written at a time: of thousands of tasks, one by one would hold up the next change. */
const REPORTS_AT_ONCE = 16;

/**
 * Brings what the cluster has for one tenant to what its Tenant and ModelTasks say, and tells them how that
 * went. A Tenant or ModelTask at fault is told so, and served as it was applied last; the others go on. Of
 * a Tenant that never was good nothing changes, until it is mended. What a Tenant's label is on is its own:
 * it goes when the Tenant does.
 * @throws Error for what may get better by itself: it is in the conditions, and to be tried again
 */
export async function reconcile(name: string, options: ReconcileOptions): Promise<void> {
  const { client, cache } = options;
  const resources = cache.resources();
  const tenant = resources.tenants.get(name);
  const tasks = resources.tasks.get(name) ?? [];
  for (const { object, faults, served } of tasks)
    if (faults.length > 0) await report(client, object, invalid(faults, served && EARLIER));
  if (!tenant) return;
  if (isDeleted(tenant.object)) return finalize(tenant.object, options);
  const finalizers = finalizersOf(tenant.object);
  // The change comes back by the watch.
  if (!finalizers.includes(FINALIZER))
    return setFinalizers(client, tenant.object, [...finalizers, FINALIZER]);

  const owned = cache.ownedBy(name);
  const served = servedTenant(tenant);
  if (tenant.faults.length > 0)
    await report(client, tenant.object, invalid(tenant.faults, served && EARLIER));
  if (served) return bring(served, [tenant, ...tasks], owned, options);
  const message = `Tenant ${name} is at fault: the gateway stays as it is until that is mended`;
  for (const { object } of tasks.filter(isGood))
    if (incumbency(object) !== 0) await report(client, object, { status: "False", reason: "Held", message });
}

async function bring(
  tenant: Loaded<Tenant>,
  stored: [tenant: Stored, ...tasks: Stored[]],
  owned: Map<string, Manifest>,
  options: ReconcileOptions,
): Promise<void> {
  const { client, image, target, controller } = options;
  const [{ object }, ...tasks] = stored;
  const good = stored.filter(isGood);
  const counts: Partial<Record<Outcome, number>> = {};
  try {
    const ofTenant = servedTasks(tasks);
    const resources = ofTenant.map(({ resource }) => resource);
    const held = await secretsOfCluster(client, [tenant.resource], resources, tokenSecrets(controller));
    const keys = newSealingKeys([tenant.resource], resources, held, controller);
    const images = liveImages([tenant.resource], owned);
    const rendered = renderAll([tenant.resource], resources, {
      target,
      controller,
      secrets: requireSecrets([tenant], ofTenant, held, "apply it to the cluster first", controller),
      image: (gateway) => images.get(gateway) ?? image,
    });
    await applyPlan(
      client,
      { keys, ...planObjects(rendered, owned) },
      {
        // What others have changed is put back; a field is the resource's or nobody's.
        forceConflicts: true,
        onlyUnchanged: true,
        onDone: (_, outcome) => {
          counts[outcome] = (counts[outcome] ?? 0) + 1;
        },
      },
    );
  } catch (error) {
    // The watch brings what is new.
    if (error instanceof PlanOutdated) throw error;
    await concurrently(good, REPORTS_AT_ONCE, ({ object }) => report(client, object, failed(error)));
    throw error;
  }
  await concurrently(good, REPORTS_AT_ONCE, ({ object }) =>
    report(client, object, (object.kind === "Tenant" && waiting(owned)) || APPLIED, true),
  );
  const { unchanged: _, ...changed } = counts;
  const done = Object.entries(changed).map(([outcome, count]) => `${count} ${outcome}`);
  if (done.length > 0)
    await sendEvent(client, object, {
      status: "True",
      reason: "Reconciled",
      message: done.join(", "),
    });
}

const isGood = ({ faults }: Stored) => faults.length === 0;

const APPLIED: Finding = {
  status: "True",
  reason: "Applied",
  message: "the cluster holds what the spec says",
};

const EARLIER = "; until that is mended, the version that was applied last is served";

function invalid(faults: string[], more = ""): Finding {
  return { status: "False", reason: "Invalid", message: faults.join("; ") + more };
}

function failed(error: unknown): Finding {
  const message =
    error instanceof InvalidResources
      ? error.faults.map((fault) => fault.message).join("; ")
      : error instanceof Error
        ? error.message
        : String(error);
  const reason = error instanceof PodsWithoutKey ? "GatewayUnavailable" : "ApplyFailed";
  return { status: "False", reason, message };
}

/** A gateway whose pods are not there yet. */
function waiting(owned: Map<string, Manifest>): Finding | undefined {
  const deployment = [...owned.values()].find(({ kind }) => kind === "Deployment");
  const { conditions = [] } = (deployment?.status ?? {}) as {
    conditions?: { type: string; status: string; message: string }[];
  };
  const available = conditions.find(({ type }) => type === "Available");
  if (!deployment || available?.status === "True") return undefined;
  const why = available?.message ?? "it was just made";
  const message = `Deployment ${deployment.metadata.name} is not available: ${why}`;
  return { status: "False", reason: "GatewayUnavailable", message };
}

async function finalize(tenant: Manifest, { client, cache }: ReconcileOptions): Promise<void> {
  const finalizers = finalizersOf(tenant);
  if (!finalizers.includes(FINALIZER)) return;
  const obsolete = [...cache.ownedBy(tenant.metadata.name).values()].sort((a, b) => orderOf(b) - orderOf(a));
  await applyPlan(client, { changes: [], obsolete }, { onDone: () => {} });
  await setFinalizers(
    client,
    tenant,
    finalizers.filter((each) => each !== FINALIZER),
  );
}
