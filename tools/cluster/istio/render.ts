import type { ModelTask } from "../../api/model-task.ts";
import { gatewaySelector, type Tenant } from "../../api/tenant.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { parseReference, type Reference } from "../../lib/oci/reference.ts";
import { converterFilters } from "./converter-filter.ts";
import { destinationRule } from "./destination-rule.ts";
import { envoyFilter } from "./envoy-filter.ts";
import { gateway } from "./gateway.ts";
import { gatewayRoutes, type RouteKind } from "./gateway-api.ts";
import { gatewayWorkload } from "./gateway-workload.ts";
import { modelNameFilter } from "./model-name.ts";
import { SLICE_LABEL, TENANT_LABEL } from "./names.ts";
import { nativeCheck } from "./native-check.ts";
import { pluginConfig } from "./plugin-config.ts";
import type { ControllerAddress } from "./rate-limit-config.ts";
import { remembered } from "./remembered.ts";
import { routeTree } from "./route-tree.ts";
import { SEALING_KEY_VARIABLE, sealingKeyOf } from "./seal.ts";
import type { SecretLookup } from "./secret-lookup.ts";
import { secretsOf } from "./secrets-of.ts";
import { startupCheck } from "./startup-check.ts";
import { virtualService } from "./virtual-service.ts";
import { wasmPlugin } from "./wasm-plugin.ts";

export const TARGETS = ["istio", "gateway-api", "gateway-api-grpc"] as const;
export type Target = (typeof TARGETS)[number];

interface RenderOptions {
  /** Image of the filter for Tenants that name none, by gateway (`namespace/name`). */
  image: (gateway: string) => Reference | undefined;
  target: Target;
  /** Keys that credentials have in Secrets: see `tools/cluster/deploy/secrets.ts`. */
  secrets: SecretLookup;
  /** Where gateways report for their limits; nowhere without it. */
  controller?: ControllerAddress | undefined;
}

/**
 * Everything that Tenants and their ModelTasks need in the cluster, tenant by tenant. The resources have
 * passed `crossCheck`.
 */
export function renderAll(tenants: Tenant[], tasks: ModelTask[], options: RenderOptions): Manifest[] {
  const byTenant = Map.groupBy(tasks, ({ spec }) => spec.tenant);
  return tenants.flatMap((tenant) => renderTenant(tenant, byTenant.get(tenant.metadata.name) ?? [], options));
}

function renderTenant(
  tenant: Tenant,
  tasks: ModelTask[],
  { image, target, secrets, controller }: RenderOptions,
): Manifest[] {
  const routes =
    target === "istio"
      ? [gateway(tenant), ...tasks.flatMap((task) => istioRoutes(tenant, task))]
      : gatewayRoutes(tenant, tasks, ROUTE_KINDS[target]);
  const { name, namespace, filter } = tenant.spec.gateway;
  const reference = filter.image ? parseReference(filter.image) : image(`${namespace}/${name}`);
  if (!reference)
    throw new Error(
      `Tenant ${tenant.metadata.name}: no image of the filter is known: name it with --image or spec.gateway.filter.image`,
    );
  return [
    ...gatewayWorkload(tenant, tasks, secretsOf(tenant, tasks, controller).length > 0),
    envoyFilter(tenant, tasks),
    nativeCheck(tenant, tasks),
    ...startupCheck(tenant),
    ...modelNameFilter(tenant, tasks, reference),
    ...converterFilters(tenant, tasks),
    wasmPlugin({
      name: pluginName(tenant),
      namespace,
      selector: pluginSelector(tenant, "stable"),
      image: reference,
      pluginConfig: pluginConfig(tenant, tasks, secrets, controller),
      labels: { [TENANT_LABEL]: tenant.metadata.name },
      environment: sealingKeyOf(tenant) ? [SEALING_KEY_VARIABLE] : [],
      pullSecret: filter.pullSecret,
      failStrategy: filter.failStrategy,
      priority: filter.priority,
    }),
    ...routes,
    ...routeTree(tenant, tasks, target === "istio" ? "istio" : "gateway-api"),
  ];
}

const istioRoutes = remembered((tenant, task) => [destinationRule(task), virtualService(tenant, task)]);

const ROUTE_KINDS: Record<Exclude<Target, "istio">, RouteKind> = {
  "gateway-api": "HTTPRoute",
  "gateway-api-grpc": "GRPCRoute",
};

/** Pods of a slice of the gateway; where the pods are somebody else's, all of them. */
export function pluginSelector(tenant: Tenant, slice: "stable" | "canary"): Record<string, string> {
  const own = tenant.spec.gateway.deployment !== undefined;
  return { ...gatewaySelector(tenant), ...(own && { [SLICE_LABEL]: slice }) };
}

/** Name of the WasmPlugin of a tenant's gateway. */
export function pluginName({ spec }: Tenant): string {
  return `${spec.gateway.name}-modelgate`;
}

/** Name of the WasmPlugin of the pods that try out a new filter. */
export function canaryName(tenant: Tenant): string {
  return canaryNameOf(pluginName(tenant));
}

/** @param plugin name of the WasmPlugin of the rest of the fleet */
export function canaryNameOf(plugin: string): string {
  return `${plugin}-canary`;
}
