import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { type Manifest, resourceName } from "../../lib/kubernetes/manifest.ts";
import { SEALING_ANNOTATION } from "../istio/gateway-workload.ts";
import { TENANT_LABEL } from "../istio/names.ts";
import type { Change } from "./plan.ts";

const POLL_MS = 500;
const ENDED = ["Succeeded", "Failed"];

/** Pods without the key to sealed secrets still run: a filter there would refuse what is sealed. */
export class PodsWithoutKey extends Error {}

/** How long to wait for pods with a key, and who is told. */
export interface PodWait {
  timeoutSeconds: number;
  onWait: (line: string) => void;
}

/**
 * The Deployments whose running pods lack the key that they are to have now: they go before the plug-ins,
 * whose configuration is sealed with it.
 */
export function newlyKeyed(changes: Change[]): Change[] {
  return changes.filter(
    ({ desired, live }) => live && keyOf(desired) !== undefined && keyOf(live) !== keyOf(desired),
  );
}

/**
 * The Deployment of a running gateway that a WasmPlugin must wait for: its first sealed secrets come with the
 * plug-in, or another key does.
 */
export function keyedGatewayOf(plugin: Change, changes: Change[]): Manifest | undefined {
  const { desired, live } = plugin;
  if (!live) return undefined;
  const { namespace, labels } = desired.metadata;
  const gateway = changes.find(
    (each) =>
      each.desired.kind === "Deployment" &&
      each.desired.metadata.namespace === namespace &&
      each.desired.metadata.labels?.[TENANT_LABEL] === labels?.[TENANT_LABEL],
  );
  if (!gateway?.live || keyOf(gateway.desired) === undefined) return undefined;
  const isFirst = isSealed(desired) && !isSealed(live);
  return isFirst || keyOf(gateway.live) !== keyOf(gateway.desired) ? gateway.desired : undefined;
}

/**
 * Waits until every pod of a gateway has the key that its Deployment names.
 * @param wait none: asks once
 * @throws PodsWithoutKey
 */
export async function untilKeyed(
  client: KubernetesClient,
  gateway: Manifest,
  wait: PodWait | undefined,
): Promise<void> {
  const deadline = Date.now() + (wait?.timeoutSeconds ?? 0) * 1000;
  for (let said = ""; ; await sleep(POLL_MS)) {
    const pods = await podsWithoutKey(client, gateway);
    if (pods.length === 0) return;
    const line = `${resourceName(gateway)} replaces pods that lack the sealing key: ${pods.join(", ")}`;
    if (Date.now() >= deadline) throw new PodsWithoutKey(`${line}; the configuration waits for that`);
    if (line !== said) wait?.onWait(`waiting: ${line}`);
    said = line;
  }
}

async function podsWithoutKey(client: KubernetesClient, gateway: Manifest): Promise<string[]> {
  const { namespace = "" } = gateway.metadata;
  const { selector } = gateway.spec as { selector: { matchLabels: Record<string, string> } };
  const labelSelector = Object.entries(selector.matchLabels)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
  const pods = await client.list("v1", "Pod", { namespace, labelSelector });
  return pods
    .filter(({ status }) => !ENDED.includes((status as { phase?: string } | undefined)?.phase ?? ""))
    .filter(({ metadata }) => metadata.annotations?.[SEALING_ANNOTATION] !== keyOf(gateway))
    .map(({ metadata }) => metadata.name)
    .sort();
}

/** The Secret with the key that a Deployment's pods have. */
function keyOf(object: Manifest): string | undefined {
  if (object.kind !== "Deployment") return undefined;
  const { template } = object.spec as { template: { metadata?: { annotations?: Record<string, string> } } };
  return template.metadata?.annotations?.[SEALING_ANNOTATION];
}

function isSealed({ spec }: Manifest): boolean {
  return /"sealed(?:Secret|Token)":/.test(
    JSON.stringify((spec as { pluginConfig?: object }).pluginConfig ?? {}),
  );
}
