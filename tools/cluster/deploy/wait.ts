import { setTimeout as sleep } from "node:timers/promises";
import type { Tenant } from "../../api/tenant.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { type Manifest, resourceName } from "../../lib/kubernetes/manifest.ts";
import type { Plan } from "./plan.ts";
import { gatewayStatus, isInSync } from "./status.ts";

const POLL_MS = 500;

/**
 * Waits until the gateways' Deployments are rolled out and each gateway pod runs the filter that it should.
 * @throws Error that says what is still missing after `timeoutSeconds`
 */
export async function waitUntilServing(
  client: KubernetesClient,
  { changes }: Plan,
  tenants: Tenant[],
  timeoutSeconds: number,
  onWait: (line: string) => void,
): Promise<void> {
  const deployments = changes.map(({ desired }) => desired).filter(({ kind }) => kind === "Deployment");
  const deadline = Date.now() + timeoutSeconds * 1000;
  let said = "";
  for (;;) {
    const missing = (await unavailable(client, deployments)) ?? (await outOfSync(client, tenants));
    if (missing === undefined) return;
    if (Date.now() > deadline) throw new Error(`not serving after ${timeoutSeconds} s: ${missing}`);
    if (missing !== said) onWait(`waiting: ${missing}`);
    said = missing;
    await sleep(POLL_MS);
  }
}

async function unavailable(client: KubernetesClient, deployments: Manifest[]): Promise<string | undefined> {
  for (const deployment of deployments) {
    const {
      metadata,
      spec,
      status = {},
    } = (await client.get(deployment)) as Manifest & {
      spec: { replicas?: number };
      status?: {
        observedGeneration?: number;
        updatedReplicas?: number;
        availableReplicas?: number;
        replicas?: number;
      };
    };
    const { observedGeneration = 0, updatedReplicas = 0, availableReplicas = 0, replicas = 0 } = status;
    const wanted = spec.replicas ?? 1;
    const done =
      observedGeneration >= Number(metadata.generation) &&
      updatedReplicas >= wanted &&
      availableReplicas >= wanted;
    if (!done || replicas > wanted)
      return `${resourceName(deployment)} has ${availableReplicas} of ${wanted} pods available, ${updatedReplicas} of them up to date`;
  }
  return undefined;
}

async function outOfSync(client: KubernetesClient, tenants: Tenant[]): Promise<string | undefined> {
  for (const [tenant, pods] of await gatewayStatus(client, tenants)) {
    if (pods.length === 0) return `Tenant ${tenant.metadata.name} has no gateway pod`;
    const late = pods.find((pod) => !isInSync(pod));
    if (late)
      return `pod ${late.namespace}/${late.name} ${late.error ?? `runs ${late.running ?? "no filter"}, not ${late.wanted}`}`;
  }
  return undefined;
}
