import { gatewaySelector, type Tenant } from "../../api/tenant.ts";
import { envoyAdmin } from "../../lib/envoy/admin.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { SLICE_LABEL } from "../istio/names.ts";
import { STAT_PREFIX } from "../istio/native-check.ts";
import { canaryName, pluginName } from "../istio/render.ts";

export interface GatewayPod {
  namespace: string;
  name: string;
  ready: boolean;
  slice: string;
}

/** The pods of a tenant's gateway that are not going away, by name. */
export async function gatewayPods(client: KubernetesClient, tenant: Tenant): Promise<GatewayPod[]> {
  const { namespace } = tenant.spec.gateway;
  const labelSelector = Object.entries(gatewaySelector(tenant))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  const pods = await client.list("v1", "Pod", { namespace, labelSelector });
  return pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map((pod) => ({
      namespace,
      name: pod.metadata.name,
      ready: isReady(pod),
      slice: pod.metadata.labels?.[SLICE_LABEL] ?? "",
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

function isReady({ status }: Manifest): boolean {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string }[] };
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

/** The filter that an Envoy has been given. */
interface RunningFilter {
  /** Of the image. */
  digest: string;
  /** Name of the WasmPlugin, `namespace.name`. */
  plugin: string;
  configuration: object;
}

/**
 * What a gateway pod's Envoy has taken from istiod: pilot-agent keeps each module in a file that is named by
 * the image's digest. @returns undefined when the plug-in of the pod's slice is not there, or pilot-agent
 * could not fetch it
 */
export async function runningFilter(
  client: KubernetesClient,
  pod: GatewayPod,
  tenant: Tenant,
): Promise<RunningFilter | undefined> {
  const dump = JSON.parse(await envoyAdmin(client, pod, "/config_dump?resource=ecds_filters")) as {
    configs?: { ecds_filter?: EcdsFilter }[];
  };
  const plugin = `${pod.namespace}.${pod.slice === "canary" ? canaryName(tenant) : pluginName(tenant)}`;
  // The filter of a listener that drains is still there, under the name of its own WasmPlugin.
  const config = (dump.configs ?? [])
    .flatMap(({ ecds_filter }) => ecds_filter?.typed_config?.config ?? [])
    .find(({ name }) => name?.replace(/~.*$/, "") === plugin);
  if (!config) return undefined;
  const [, hex] = /([0-9a-f]{64})\.wasm$/.exec(config.vm_config?.code?.local?.filename ?? "") ?? [];
  if (hex === undefined) return undefined;
  return {
    digest: `sha256:${hex}`,
    plugin,
    configuration: JSON.parse(config.configuration?.value ?? "{}"),
  };
}

interface EcdsFilter {
  typed_config?: {
    config?: {
      name?: string;
      vm_config?: { code?: { local?: { filename?: string } } };
      configuration?: { value?: string };
    };
  };
}

/** VMs beat once a second; Envoy keeps the gauges of those that are gone. */
const BEAT_SECONDS = 3;
/** Clocks of the cluster and of this machine may differ by this much. */
const CLOCK_SKEW_SECONDS = 120;
const VERSION_STATS = "^wasmcustom\\.modelgate\\.version\\.";

/**
 * The versions that the filters of a pod's VMs tell of themselves (`filters/sdk/pipeline/version.ts`): one,
 * or two while a new filter takes over; none when no VM lives, or its filter is from before filters told.
 */
export async function toldVersions(client: KubernetesClient, pod: GatewayPod): Promise<string[]> {
  const path = `/stats?filter=${encodeURIComponent(VERSION_STATS)}`;
  return livingVersions(await envoyAdmin(client, pod, path), Date.now() / 1000);
}

/**
 * How many requests a pod's Envoy has refused since it started because no filter had checked them; see
 * `native-check.ts`.
 */
export async function uncheckedRequests(client: KubernetesClient, pod: GatewayPod): Promise<number> {
  const stats = await envoyAdmin(
    client,
    pod,
    `/stats?filter=${encodeURIComponent(`rbac.${STAT_PREFIX}denied`)}`,
  );
  return [...stats.matchAll(/: (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** @param stats of Envoy as text. @param now in Unix seconds */
export function livingVersions(stats: string, now: number): string[] {
  const beats = [...stats.matchAll(/^wasmcustom\.modelgate\.version\.(.+): (\d+)$/gm)].map(
    ([, version = "", seconds]) => ({ version, seconds: Number(seconds) }),
  );
  const last = Math.max(...beats.map(({ seconds }) => seconds));
  if (now - last > CLOCK_SKEW_SECONDS) return [];
  return beats.filter(({ seconds }) => last - seconds < BEAT_SECONDS).map(({ version }) => version);
}
