import { setTimeout as sleep } from "node:timers/promises";
import type { Tenant } from "../../api/tenant.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import type { Plan } from "./plan.ts";
import { gatewayStatus, isInSync } from "./status.ts";
import { notRolledOut } from "./workload-readiness.ts";

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
  await until(
    async () => (await notRolledOut(client, deployments)) ?? (await outOfSync(client, tenants)),
    timeoutSeconds,
    onWait,
  );
}

/** Waits until each workload has its pods. @throws Error that says what is missing after `timeoutSeconds` */
export async function waitUntilRolledOut(
  client: KubernetesClient,
  workloads: Manifest[],
  timeoutSeconds: number,
  onWait: (line: string) => void,
): Promise<void> {
  await until(() => notRolledOut(client, workloads), timeoutSeconds, onWait);
}

async function until(
  missing: () => Promise<string | undefined>,
  timeoutSeconds: number,
  onWait: (line: string) => void,
): Promise<void> {
  const deadline = Date.now() + timeoutSeconds * 1000;
  for (let said = ""; ; await sleep(POLL_MS)) {
    const now = await missing();
    if (now === undefined) return;
    if (Date.now() > deadline) throw new Error(`not ready after ${timeoutSeconds} s: ${now}`);
    if (now !== said) onWait(`waiting: ${now}`);
    said = now;
  }
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
