import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { owned } from "../../tools/cluster/istio/names.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import type { Event } from "../../tools/servers/collector/query/events.ts";
import { startTestCollector, type TestCollector } from "../support/collector/start.ts";
import {
  type ControlPlane,
  installDefinitions,
  kubeconfigFor,
  startControlPlane,
} from "./support/api-server.ts";

const ROLE = fileURLToPath(new URL("manifests/collector/kubernetes-role.yaml", PROJECT_ROOT));
const SYSTEM = "modelgate-system";
const STARTED = new Date().toISOString();

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let cluster: ControlPlane;
let collector: TestCollector;

beforeAll(async () => {
  folder = await temporaryFolder(join(tmpdir(), "modelgate-collector-"));
  cluster = await startControlPlane(folder.path);
  await installDefinitions(cluster);
  for (const name of ["search-ingress", "search-models", SYSTEM])
    await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  for (const document of parseAllDocuments(await readFile(ROLE, "utf8"))) await apply(document.toJS());
  // The API server needs a moment to serve what it was just told of.
  await vi.waitFor(() => apply(tenant, task(100)), 20_000);
  await apply(event("Scheduled", "rank-5d9f-abcde"));
});

afterAll(async () => {
  for (const program of cluster?.programs ?? []) await program.stop();
  await folder?.remove();
});

test("Kubernetes events, rollouts and limits are on the collector's time line", async () => {
  collector = await start();
  await reasons(["Scheduled"]);
  await apply(event("Unhealthy", "rank-5d9f-abcde"), rollout({ step: 0 }));
  await reasons(["RolloutStarted", "Scheduled", "Unhealthy"]);
  await apply(rollout({ step: 1 }), task(50));
  await reasons(["LimitLowered", "RolloutStarted", "RolloutStep", "Scheduled", "Unhealthy"]);
  const { events } = await collector.json<{ events: Event[] }>("/api/v1/events?from=1h");
  expect(events.find(({ reason }) => reason === "Unhealthy")).toMatchObject({
    ...{ type: "kubernetes", tenant: "search", taskid: "666", gateway: "search-ingress/search-gateway" },
    source: "Pod/search-models/rank-5d9f-abcde",
  });
  expect(events.find(({ reason }) => reason === "LimitLowered")?.message).toBe("100 → 50 requests/s");
  expect(await collector.json("/api/v1/limits?taskid=666")).toEqual({
    limits: [
      { tenant: "search", taskid: "666", gateway: "search-ingress/search-gateway", requests_per_second: 50 },
    ],
  });
});

test("after a restart the same events are there once", async () => {
  collector = await start();
  await apply(event("Killing", "rank-5d9f-abcde"));
  await reasons(["Killing", "LimitLowered", "RolloutStarted", "RolloutStep", "Scheduled", "Unhealthy"]);
});

/** A collector with the rights that its role gives. */
async function start(): Promise<TestCollector> {
  const core = cluster.client.config.makeApiClient(CoreV1Api);
  const { status } = await core.createNamespacedServiceAccountToken({
    ...{ name: "modelgate-collector", namespace: SYSTEM },
    body: { spec: { audiences: [], expirationSeconds: 3600 } },
  });
  const config = new KubeConfig();
  config.loadFromString(kubeconfigFor("collector", status?.token ?? ""));
  return startTestCollector(folder.path, { cluster: config });
}

async function apply(...objects: Manifest[]): Promise<void> {
  for (const object of objects) await cluster.client.apply(object, { fieldManager: "test", force: true });
}

async function reasons(expected: string[]): Promise<void> {
  await vi.waitFor(async () => {
    const { events } = await collector.json<{ events: Event[] }>("/api/v1/events?from=1h");
    expect(events.map(({ reason }) => reason).sort()).toEqual(expected);
  }, 10_000);
}

const tenant: Manifest = {
  apiVersion: "modelgate.dev/v1alpha1",
  kind: "Tenant",
  metadata: { name: "search" },
  spec: {
    gateway: { name: "search-gateway", namespace: "search-ingress", hosts: ["*.search.models.example"] },
    namespaces: ["search-models"],
  },
};

function task(requestsPerSecond: number): Manifest {
  return {
    apiVersion: "modelgate.dev/v1alpha1",
    kind: "ModelTask",
    metadata: { name: "ranking", namespace: "search-models" },
    spec: { taskid: "666", tenant: "search", service: { name: "rank" }, limits: { requestsPerSecond } },
  };
}

function event(reason: string, pod: string): Manifest {
  const namespace = "search-models";
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${pod}.${reason.toLowerCase()}`, namespace },
    involvedObject: { apiVersion: "v1", kind: "Pod", namespace, name: pod },
    ...{ reason, message: "it happened", type: "Normal", count: 1 },
    lastTimestamp: new Date().toISOString().replace(/\.\d+/, ""),
  } as Manifest;
}

function rollout(change: object): Manifest {
  const now = new Date().toISOString();
  const state = {
    image: "oci://registry.example/modelgate/gateway@sha256:4f1c",
    ...{ steps: [5, 25, 100], step: 0, phase: "running", message: "" },
    ...{ startedAt: STARTED, updatedAt: now },
    ...change,
  };
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: owned("search", "modelgate-rollout-search-gateway", "search-ingress"),
    data: { rollout: JSON.stringify(state) },
  } as Manifest;
}
