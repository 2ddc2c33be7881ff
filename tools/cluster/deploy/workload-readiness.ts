import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { type Manifest, resourceName } from "../../lib/kubernetes/manifest.ts";
import { pendingClaims, pendingPods } from "./pending.ts";

/** A Deployment, StatefulSet or DaemonSet as the server has it; what its status lacks is 0. */
interface Workload extends Manifest {
  spec: { replicas?: number; selector?: { matchLabels?: Record<string, string> } };
  status?: {
    observedGeneration?: number;
    updatedReplicas?: number;
    availableReplicas?: number;
    replicas?: number;
  };
}

/**
 * What keeps workloads from being rolled out, with the reason that a pod or a claim of it waits for.
 * @returns undefined when each has all its pods, up to date and available
 */
export async function notRolledOut(
  client: KubernetesClient,
  workloads: readonly Manifest[],
): Promise<string | undefined> {
  for (const workload of workloads) {
    const there = (await client.get(workload)) as Workload;
    const missing = missingPods(there);
    if (missing === undefined) continue;
    const namespace = workload.metadata.namespace ?? "default";
    const labels = Object.entries(there.spec.selector?.matchLabels ?? {});
    const labelSelector = labels.map(([name, value]) => `${name}=${value}`).join(",");
    const why = [
      ...(await pendingPods(client, namespace, labelSelector)),
      ...(await pendingClaims(client, namespace, labelSelector)),
    ];
    return [`${resourceName(workload)} ${missing}`, ...new Set(why)].join("; ");
  }
  return undefined;
}

function missingPods({ metadata, spec, status = {} }: Workload): string | undefined {
  const { observedGeneration = 0, updatedReplicas = 0, availableReplicas = 0, replicas = 0 } = status;
  const wanted = spec.replicas ?? 1;
  const done =
    observedGeneration >= Number(metadata.generation ?? 0) &&
    updatedReplicas >= wanted &&
    availableReplicas >= wanted &&
    replicas <= wanted;
  return done
    ? undefined
    : `has ${availableReplicas} of ${wanted} pods available, ${updatedReplicas} of them up to date`;
}
