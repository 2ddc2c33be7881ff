import { isDeepStrictEqual } from "node:util";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { canaryNameOf } from "../istio/render.ts";
import { ROLLOUT_LABEL } from "./owned-objects.ts";
import type { WasmPlugin } from "./wasm-plugins.ts";

const FIELD_MANAGER = "modelgate";

/**
 * Gives the canaries of rollouts the configuration that their gateways' WasmPlugins have now: they differ by
 * the image alone. @throws ApiError also when a canary's WasmPlugin is gone meanwhile: it must not come back
 */
export async function updateCanaries(client: KubernetesClient, plugins: Manifest[]): Promise<void> {
  const configs = new Map(
    (plugins as WasmPlugin[]).map(({ metadata: { namespace, name }, spec }) => [
      `${namespace}/${canaryNameOf(name)}`,
      spec.pluginConfig,
    ]),
  );
  const [{ apiVersion, kind } = { apiVersion: "", kind: "" }] = plugins;
  if (configs.size === 0) return;
  for (const canary of await client.list(apiVersion, kind, { labelSelector: ROLLOUT_LABEL })) {
    const { name, namespace, labels, ownerReferences, resourceVersion } = canary.metadata;
    const pluginConfig = configs.get(`${namespace}/${name}`);
    const { spec } = canary as WasmPlugin;
    if (pluginConfig === undefined || isDeepStrictEqual(spec.pluginConfig, pluginConfig)) continue;
    const metadata = {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(labels && { labels }),
      ...(ownerReferences !== undefined && { ownerReferences }),
      resourceVersion,
    };
    await client.apply(
      { apiVersion, kind, metadata, spec: { ...spec, pluginConfig } },
      { fieldManager: FIELD_MANAGER, force: true },
    );
  }
}
