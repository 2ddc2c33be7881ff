import { setTimeout as sleep } from "node:timers/promises";
import type { Tenant } from "../../api/tenant.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { concurrently } from "../../lib/kubernetes/concurrently.ts";
import { type GatewayPod, gatewayPods } from "../deploy/gateways.ts";
import { ROLLOUT_LABEL } from "../deploy/owned-objects.ts";
import { type WasmPlugin, wasmPlugins } from "../deploy/wasm-plugins.ts";
import { MANAGED_BY, SLICE_LABEL, TENANT_LABEL } from "../istio/names.ts";
import { canaryName, pluginSelector } from "../istio/render.ts";

const FIELD_MANAGER = "modelgate";
const CONCURRENCY = 8;

/** The WasmPlugin of all pods of the gateway. @throws Error when a rollout can't work with it */
export async function stablePlugin(client: KubernetesClient, tenant: Tenant): Promise<WasmPlugin> {
  const { stable } = await wasmPlugins(client, tenant);
  const gateway = `${tenant.spec.gateway.namespace}/${tenant.spec.gateway.name}`;
  if (!stable) throw new Error(`gateway ${gateway} has no filter yet: modelgate apply it first`);
  if (stable.spec.selector.matchLabels[SLICE_LABEL] !== "stable")
    throw new Error(
      `gateway ${gateway} is not deployed by Modelgate (Tenant ${tenant.metadata.name} has no spec.gateway.deployment), so its pods lack the label ${SLICE_LABEL} that tells canaries from the rest`,
    );
  return stable;
}

/** Istiod hears of a new WasmPlugin and of pods' labels by watches of their own, in any order. */
const SETTLE_MS = 5000;

/**
 * Gives canaries their own WasmPlugin: the live one with another image. It stays for good: a pod that istiod
 * takes for a canary while there is no WasmPlugin for canaries would serve without any filter. It goes with
 * the live one.
 */
export async function setCanaryImage(client: KubernetesClient, tenant: Tenant, image: string): Promise<void> {
  const { canary } = await wasmPlugins(client, tenant);
  const stable = await stablePlugin(client, tenant);
  const { apiVersion, kind, metadata } = stable;
  const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid };
  await client.apply(
    {
      apiVersion,
      kind,
      metadata: {
        name: canaryName(tenant),
        namespace: tenant.spec.gateway.namespace,
        labels: { ...MANAGED_BY, [TENANT_LABEL]: tenant.metadata.name, [ROLLOUT_LABEL]: "canary" },
        ownerReferences: [owner],
      },
      spec: { ...stable.spec, url: image, selector: { matchLabels: pluginSelector(tenant, "canary") } },
    },
    { fieldManager: FIELD_MANAGER, force: true },
  );
  if (!canary) await sleep(SETTLE_MS);
}

/**
 * Makes a share of the gateway's pods canaries, at least one, and the others stable.
 * @returns all, with the canaries
 */
export async function setCanaries(
  client: KubernetesClient,
  tenant: Tenant,
  percent: number,
): Promise<{ pods: GatewayPod[]; canaries: GatewayPod[] }> {
  const pods = await gatewayPods(client, tenant);
  const wanted = percent === 0 ? 0 : Math.max(1, Math.round((pods.length * percent) / 100));
  // Pods that are canaries stay canaries.
  const ordered = [...pods].sort((a, b) => Number(b.slice === "canary") - Number(a.slice === "canary"));
  await concurrently(ordered, CONCURRENCY, async (pod, index) => {
    const slice = index < wanted ? "canary" : "stable";
    if (pod.slice === slice) return;
    const object = { apiVersion: "v1", kind: "Pod", metadata: { name: pod.name, namespace: pod.namespace } };
    await client.mergePatch(object, { metadata: { labels: { [SLICE_LABEL]: slice } } });
    pod.slice = slice;
  });
  return { pods, canaries: ordered.slice(0, wanted) };
}

/** Gives the rest of the fleet an image. */
export async function setStableImage(client: KubernetesClient, tenant: Tenant, image: string): Promise<void> {
  await client.mergePatch(await stablePlugin(client, tenant), { spec: { url: image } });
}
