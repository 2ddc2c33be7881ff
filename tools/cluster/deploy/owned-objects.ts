import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { concurrently } from "../../lib/kubernetes/concurrently.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { MANAGED_BY, ROUTING_LABEL, TENANT_LABEL } from "../istio/names.ts";

/** Every kind that a render can hold, in the order in which they are applied; deletion goes the other way. */
export const OWNED_KINDS: [apiVersion: string, kind: string][] = [
  ["v1", "ServiceAccount"],
  ["rbac.authorization.k8s.io/v1", "RoleBinding"],
  ["networking.istio.io/v1alpha3", "EnvoyFilter"],
  ["extensions.istio.io/v1alpha1", "WasmPlugin"],
  ["apps/v1", "Deployment"],
  ["v1", "Service"],
  ["autoscaling/v2", "HorizontalPodAutoscaler"],
  ["policy/v1", "PodDisruptionBudget"],
  ["networking.k8s.io/v1", "NetworkPolicy"],
  ["networking.istio.io/v1", "Gateway"],
  ["gateway.networking.k8s.io/v1", "Gateway"],
  ["networking.istio.io/v1", "DestinationRule"],
  ["networking.istio.io/v1", "VirtualService"],
  ["gateway.networking.k8s.io/v1", "HTTPRoute"],
  ["gateway.networking.k8s.io/v1", "GRPCRoute"],
];

/** Of a rollout's WasmPlugin, which goes with the one that it is made after. */
export const ROLLOUT_LABEL = "modelgate.dev/rollout";

/** Labels of what Modelgate has in a cluster, without what a rollout adds. */
export const OWNED_SELECTOR = [
  ...Object.entries(MANAGED_BY).map(([key, value]) => `${key}=${value}`),
  `!${ROLLOUT_LABEL}`,
].join(",");
/** More tenants than these are found by listing those of all. */
const MOST_NAMED = 20;

/** What Modelgate has in the cluster for some tenants, by `keyOf`. */
export async function ownedObjects(
  client: KubernetesClient,
  tenants: Set<string>,
): Promise<Map<string, Manifest>> {
  const labelSelector =
    tenants.size > MOST_NAMED
      ? OWNED_SELECTOR
      : `${OWNED_SELECTOR},${TENANT_LABEL} in (${[...tenants].join(",")})`;
  const lists = await concurrently(OWNED_KINDS, 4, ([apiVersion, kind]) =>
    client.list(apiVersion, kind, { labelSelector }),
  );
  const own = lists.flat().filter(({ metadata }) => tenants.has(metadata.labels?.[TENANT_LABEL] ?? ""));
  return new Map(own.map((object) => [keyOf(object), object]));
}

/** Names an object among all kinds. */
export function keyOf({ apiVersion, kind, metadata }: Manifest): string {
  return `${apiVersion} ${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
}

/**
 * Place of an object among those that are applied: that of its kind in `OWNED_KINDS`, but a match tree comes
 * after the routes.
 */
export function orderOf({ apiVersion, kind, metadata }: Manifest): number {
  const routing = metadata.labels?.[ROUTING_LABEL];
  if (routing !== undefined) return OWNED_KINDS.length + (routing === "tree" ? 1 : 0);
  return OWNED_KINDS.findIndex(([version, name]) => version === apiVersion && name === kind);
}
