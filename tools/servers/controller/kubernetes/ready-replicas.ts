import type { V1EndpointSlice } from "@kubernetes/client-node";

const SERVICE_NAME = "kubernetes.io/service-name";

/**
 * Ready endpoints of each Service, by `namespace/name`. A pod counts once however many slices hold it, as
 * those of IPv4 and IPv6 do; an endpoint that doesn't say whether it is ready is (EndpointConditions of
 * discovery.k8s.io/v1).
 */
export function readyReplicas(slices: readonly V1EndpointSlice[]): Map<string, number> {
  const pods = new Map<string, Set<string>>();
  for (const { metadata, endpoints } of slices) {
    const service = metadata?.labels?.[SERVICE_NAME];
    if (service === undefined) continue;
    const key = `${metadata?.namespace}/${service}`;
    const ready = pods.get(key) ?? new Set();
    pods.set(key, ready);
    for (const { conditions, targetRef, addresses } of endpoints ?? [])
      if (conditions?.ready !== false) ready.add(targetRef?.uid ?? targetRef?.name ?? addresses[0] ?? "");
  }
  return new Map([...pods].map(([service, ready]) => [service, ready.size]));
}
