import type { KubernetesClient } from "../kubernetes/client.ts";
import { concurrently } from "../kubernetes/concurrently.ts";
import { parseReference } from "../oci/reference.ts";
import type { Tenant } from "../resources/tenant.ts";
import { type GatewayPod, gatewayPods, runningFilter } from "./gateways.ts";
import { wasmPlugins } from "./wasm-plugins.ts";

const CONCURRENCY = 8;

export interface PodStatus extends GatewayPod {
  /** The digest that the pod's WasmPlugin names. */
  wanted: string | undefined;
  /** The digest that its Envoy runs. */
  running: string | undefined;
  /** Why its Envoy could not be asked. */
  error?: string;
}

/** For each pod of the tenants' gateways: does its Envoy run the filter that it should? */
export async function gatewayStatus(
  client: KubernetesClient,
  tenants: Tenant[],
): Promise<Map<Tenant, PodStatus[]>> {
  const result = new Map<Tenant, PodStatus[]>();
  for (const tenant of tenants) {
    const [pods, plugins] = await Promise.all([gatewayPods(client, tenant), wasmPlugins(client, tenant)]);
    const statuses = await concurrently(pods, CONCURRENCY, async (pod): Promise<PodStatus> => {
      const plugin = pod.slice === "canary" ? plugins.canary : plugins.stable;
      const wanted = plugin && parseReference(plugin.spec.url).digest;
      try {
        return { ...pod, wanted, running: (await runningFilter(client, pod, tenant))?.digest };
      } catch (error) {
        return {
          ...pod,
          wanted,
          running: undefined,
          error: error instanceof Error ? error.message : String(error),
        };
      }
    });
    result.set(tenant, statuses);
  }
  return result;
}

export function isInSync({ wanted, running, ready }: PodStatus): boolean {
  return ready && wanted !== undefined && wanted === running;
}
