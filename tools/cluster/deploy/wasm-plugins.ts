import type { Tenant } from "../../api/tenant.ts";
import { ApiError } from "../../lib/kubernetes/api-error.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { canaryName, pluginName } from "../istio/render.ts";

const API_VERSION = "extensions.istio.io/v1alpha1";

export interface WasmPlugin extends Manifest {
  spec: { url: string; selector: { matchLabels: Record<string, string> }; pluginConfig?: object };
}

/** The WasmPlugins of a tenant's gateway; `canary` is there since the first rollout. */
export async function wasmPlugins(
  client: KubernetesClient,
  tenant: Tenant,
): Promise<{ stable: WasmPlugin | undefined; canary: WasmPlugin | undefined }> {
  const [stable, canary] = await Promise.all(
    [pluginName(tenant), canaryName(tenant)].map((name) => find(client, name, tenant.spec.gateway.namespace)),
  );
  return { stable, canary };
}

async function find(
  client: KubernetesClient,
  name: string,
  namespace: string,
): Promise<WasmPlugin | undefined> {
  try {
    return (await client.get({
      apiVersion: API_VERSION,
      kind: "WasmPlugin",
      metadata: { name, namespace },
    })) as WasmPlugin;
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}
