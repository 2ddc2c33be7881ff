import { createHash } from "node:crypto";
import type { ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";

export const NETWORKING = "networking.istio.io/v1";

/** Labels that say whose an object is; `apply --prune` and `delete` go by them. */
export const MANAGED_BY = { "app.kubernetes.io/managed-by": "modelgate" };
export const TENANT_LABEL = "modelgate.dev/tenant";

/**
 * Label of a gateway's pods that says which WasmPlugin is theirs: a WasmPlugin selects by labels and can't
 * except pods, so a rollout moves pods from `stable` to `canary`.
 */
export const SLICE_LABEL = "modelgate.dev/slice";

/**
 * Label of the EnvoyFilters that are a gateway's match tree: `task` of a task's entry in it, `tree` of the
 * one that puts it in the place of Istio's routes. See `route-tree.ts`.
 */
export const ROUTING_LABEL = "modelgate.dev/routing";

/** Metadata of an object that belongs to a tenant. */
export function owned(tenant: string, name: string, namespace: string): Manifest["metadata"] {
  return { name, namespace, labels: { ...MANAGED_BY, [TENANT_LABEL]: tenant } };
}

/** Host of a task's Service. */
export function serviceHost({ metadata, spec }: ModelTask): string {
  return `${spec.service.name}.${namespaceOf(metadata)}.svc.cluster.local`;
}

export function namespaceOf({ namespace = "default" }: ModelTask["metadata"]): string {
  return namespace;
}

/** Istio's name for the Envoy cluster of a Service's port, which each gateway has. */
export function serviceCluster(of: { namespace: string; service: string; port: number }): string {
  return outboundCluster(`${of.service}.${of.namespace}.svc.cluster.local`, of.port);
}

/** Istio's name for the Envoy cluster of a host's port, or of those of its endpoints that are in a subset. */
export function outboundCluster(host: string, port: number, subset = ""): string {
  return `outbound|${port}|${subset}|${host}`;
}

/** The tenant's Istio Gateway, as other namespaces name it. */
export function gatewayReference({ spec }: Tenant): string {
  return `${spec.gateway.namespace}/${spec.gateway.name}`;
}

/** Istio takes a DNS label for a subset; a version may be more than that. */
export function subsetName(version: string): string {
  if (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(version)) return version;
  return `v-${shortDigest(version)}`;
}

/** Stands in a name for a text that may not stand there itself. */
export function shortDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** Name of the Tenant that an object is about. */
export function tenantOf({ kind, metadata, spec }: Manifest): string {
  return kind === "Tenant" ? metadata.name : ((spec as { tenant?: string } | undefined)?.tenant ?? "");
}
