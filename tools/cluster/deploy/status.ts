import type { Tenant } from "../../api/tenant.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { concurrently } from "../../lib/kubernetes/concurrently.ts";
import { parseReference } from "../../lib/oci/reference.ts";
import { type GatewayPod, gatewayPods, runningFilter, toldVersions, uncheckedRequests } from "./gateways.ts";
import { wasmPlugins } from "./wasm-plugins.ts";

const CONCURRENCY = 8;

export interface PodStatus extends GatewayPod {
  /** The digest that the pod's WasmPlugin names. */
  wanted: string | undefined;
  /** The digest that its Envoy was given. */
  running: string | undefined;
  /** What its filter's VMs tell of themselves, such as `0.1.0+1f2e3d4c5b6a`; see `toldVersions`. */
  versions: string[];
  /** How many requests its Envoy refused since it started because no filter had checked them. */
  unchecked: number;
  /** What the filter in the image of the wanted digest would tell, where that is known. */
  imageVersion?: string;
  /** Why its Envoy could not be asked. */
  error?: string;
}

/**
 * For each pod of the tenants' gateways: does its Envoy run the filter that it should?
 * @param versionIn tells the version of the filter in an image; without it the versions that pods tell are
 * not compared
 */
export async function gatewayStatus(
  client: KubernetesClient,
  tenants: Tenant[],
  versionIn?: (image: string) => Promise<string | undefined>,
): Promise<Map<Tenant, PodStatus[]>> {
  const result = new Map<Tenant, PodStatus[]>();
  for (const tenant of tenants) {
    const [pods, plugins] = await Promise.all([gatewayPods(client, tenant), wasmPlugins(client, tenant)]);
    const statuses = await concurrently(pods, CONCURRENCY, async (pod): Promise<PodStatus> => {
      const plugin = pod.slice === "canary" ? plugins.canary : plugins.stable;
      const wanted = plugin && parseReference(plugin.spec.url).digest;
      const imageVersion = plugin && (await versionIn?.(plugin.spec.url));
      const asked = { ...pod, wanted, ...(imageVersion !== undefined && { imageVersion }) };
      try {
        const [filter, versions, unchecked] = await Promise.all([
          runningFilter(client, pod, tenant),
          toldVersions(client, pod),
          uncheckedRequests(client, pod),
        ]);
        return { ...asked, running: filter?.digest, versions, unchecked };
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        return { ...asked, running: undefined, versions: [], unchecked: 0, error: message };
      }
    });
    result.set(tenant, statuses);
  }
  return result;
}

export function isInSync(pod: PodStatus): boolean {
  return pod.ready && pod.wanted !== undefined && pod.wanted === pod.running && tellsItsVersion(pod);
}

/**
 * Whether a VM of the filter in the wanted image lives; true as well where that filter's version is not
 * known.
 */
export function tellsItsVersion({ versions, imageVersion }: PodStatus): boolean {
  return imageVersion === undefined || versions.includes(imageVersion);
}
