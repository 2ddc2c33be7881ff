import { Agent } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { envoyAdmin } from "../../tools/lib/envoy/admin.ts";
import { concurrently } from "../../tools/lib/kubernetes/concurrently.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { settle } from "../support/pace.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { pushModule } from "./support/images.ts";
import { runModelgate } from "./support/modelgate.ts";
import { SCRIPTED_SERVER_IMAGE } from "./support/node.ts";
import type { ScriptedServer } from "./support/scripted-server.ts";
import { listOf, TestTenant } from "./support/tenants.ts";
import { modelServer } from "./support/workloads.ts";

const NAMESPACE = "traffic";
const traffic = new TestTenant("traffic", NAMESPACE, 8866);
const api = new TestTenant("api", NAMESPACE, 8870);
const VERSIONS = ["v1", "v2"].map((name) => ({ name, weight: name === "v1" ? 75 : 25 }));
const labels = (app: string) => VERSIONS.map((each) => ({ ...each, labels: { app, version: each.name } }));

/** What the schema says, and what Envoy makes of it once istiod has had it. */
const TASKS = [
  traffic.task("retried", { retries: { attempts: 2 } }),
  traffic.task("once", { retries: { attempts: 0 } }),
  traffic.task("impatient", { timeout: "400ms" }),
  traffic.task("mirrored", {
    versions: [{ name: "v1", weight: 100 }, { name: "v2" }],
    mirror: { version: "v2" },
  }),
  traffic.task("delayed", { fault: { delay: { duration: "500ms", percent: 100 } } }),
  traffic.task("aborted", { fault: { abort: { status: 418, percent: 100 } } }),
  traffic.task("ejected", {
    retries: { attempts: 0 },
    loadBalancing: { policy: "ROUND_ROBIN" },
    outlierDetection: { consecutiveErrors: 3, interval: "1s", baseEjectionTime: "60s" },
  }),
  traffic.task("pooled", {
    warmUp: { duration: "17s" },
    connectionPool: { maxConnections: 7, maxPendingRequests: 9, maxRequestsPerConnection: 5 },
  }),
  traffic.task("zoned", { loadBalancing: { locality: true } }),
  traffic.task("split", { versions: VERSIONS, matches: [{ header: "x-group", prefix: "b", version: "v2" }] }),
];

describe("traffic", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
    const image = await pushModule("gateway");
    const version = { version: "v1", port: 9000, image: SCRIPTED_SERVER_IMAGE };
    const second = { ...version, version: "v2" };
    await cluster.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
      ...["retried", "once", "impatient", "delayed", "aborted", "pooled"].flatMap((name) =>
        modelServer(NAMESPACE, name, [version]),
      ),
      ...modelServer(NAMESPACE, "ejected", [{ ...version, replicas: 2 }]),
      ...modelServer(NAMESPACE, "zoned", [
        { ...version, zone: "zone-a" },
        { ...second, zone: "zone-b" },
      ]),
      ...["mirrored", "split", "api-split"].flatMap((name) =>
        modelServer(NAMESPACE, name, [version, second]),
      ),
    );
    const args = ["apply", "-f", "-", "--image", image, "--wait"];
    const applied = await runModelgate(cluster.kubeconfig, args, listOf(traffic.resource(), ...TASKS));
    expect(applied.code, applied.stderr).toBe(0);
    await traffic.untilServed("retried");
  });
  afterAll(() => cluster?.stop());

  const servers = (name: string) => cluster.node.scripted(`${name}-v`);
  const admin = async (path: string) => {
    const labelSelector = "istio=traffic-gateway";
    const [pod] = await cluster.client.list("v1", "Pod", { namespace: NAMESPACE, labelSelector });
    return JSON.parse(
      await envoyAdmin(cluster.client, { namespace: NAMESPACE, name: pod?.metadata.name ?? "" }, path),
    );
  };
  const clusterName = (task: string) => `outbound|8866||${task}.${NAMESPACE}.svc.cluster.local`;
  const clusterOf = async (task: string) => {
    const { configs } = await admin("/config_dump?resource=dynamic_active_clusters");
    return configs.find((each: { cluster: { name: string } }) => each.cluster.name === clusterName(task))
      .cluster;
  };
  const hostsOf = async (task: string) => {
    const { cluster_statuses } = await admin("/clusters?format=json");
    return cluster_statuses.find((each: { name: string }) => each.name === clusterName(task)).host_statuses;
  };

  it.each<[string, string, number, { status: number; calls: number }]>([
    ["tries again", "retried", 2, { status: 200, calls: 3 }],
    ["gives up after its attempts", "retried", 9, { status: 503, calls: 3 }],
    ["does not where retries are off", "once", 1, { status: 503, calls: 1 }],
  ])("retries: %s", async (_name, task, failures, { status, calls }) => {
    await traffic.untilServed(task);
    const [server] = servers(task) as [ScriptedServer];
    Object.assign(server, { calls: 0, failures });
    expect((await traffic.call(task)).status).toBe(status);
    expect(server.calls).toBe(calls);
    server.failures = 0;
  });

  it("hands on no credential, cookie or task id, converted or not", async () => {
    await traffic.untilServed("retried");
    expect((await traffic.call("retried", { headers: COOKIE })).status).toBe(200);
    expect(await traffic.callGrpc("retried")).toBe("0");
    expectHeadersKept(servers("retried"));
  });

  it("timeout: of the whole request", async () => {
    await traffic.untilServed("impatient");
    const [server] = servers("impatient") as [ScriptedServer];
    server.delayMilliseconds = 5000;
    const { status, milliseconds } = await traffic.call("impatient");
    expect(status).toBe(504);
    expect(milliseconds).toBeGreaterThan(390);
    expect(milliseconds).toBeLessThan(4000);
  });

  it("mirror: a copy to the other version, whose reply nobody sees", async () => {
    await traffic.untilServed("mirrored");
    const [first, second] = versionsOf("mirrored");
    Object.assign(first, { calls: 0 });
    Object.assign(second, { calls: 0, failures: 1000 });
    for (let i = 0; i < 20; i++) expect((await traffic.call("mirrored")).status).toBe(200);
    await settle(300);
    expect([first.calls, second.calls]).toEqual([20, 20]);
  });

  it("faults: a delay and an abort", async () => {
    await traffic.untilServed("delayed");
    const { status, milliseconds } = await traffic.call("delayed");
    expect(status).toBe(200);
    expect(milliseconds).toBeGreaterThan(490);
    expect((await traffic.call("aborted")).status).toBe(418);
  });

  it("outlier detection: a replica that fails gets no more requests", async () => {
    await traffic.untilServed("ejected");
    const [bad, good] = servers("ejected") as [ScriptedServer, ScriptedServer];
    bad.failures = 1_000_000;
    const statuses: number[] = [];
    for (let i = 0; i < 60; i++) statuses.push((await traffic.call("ejected")).status);
    expect(statuses.filter((status) => status === 503)).toHaveLength(3);
    expect(statuses.slice(-50)).toEqual(Array(50).fill(200));
    expect(good.calls).toBeGreaterThan(50);
    const ejected = (await hostsOf("ejected")).filter(
      (host: { health_status: { failed_outlier_check?: boolean } }) =>
        host.health_status.failed_outlier_check,
    );
    expect(ejected).toHaveLength(1);
  });

  it("connection pool: its limits, and new connections after so many requests", async () => {
    await traffic.untilServed("pooled");
    const { circuit_breakers } = await clusterOf("pooled");
    expect(circuit_breakers.thresholds).toMatchObject([{ max_connections: 7, max_pending_requests: 9 }]);
    const [server] = servers("pooled") as [ScriptedServer];
    const before = server.connections;
    for (let i = 0; i < 20; i++) expect((await traffic.call("pooled")).status).toBe(200);
    expect(server.connections - before).toBeGreaterThanOrEqual(3);
    expect(server.connections - before).toBeLessThanOrEqual(4);
  });

  it("warm-up: a new replica's share grows over the time", async () => {
    expect(await clusterOf("pooled")).toMatchObject({
      lb_policy: "LEAST_REQUEST",
      least_request_lb_config: { slow_start_config: { slow_start_window: "17s" } },
    });
  });

  it("locality: the gateway's own zone, and the other one when that fails", async () => {
    await traffic.untilServed("zoned");
    const zones = (await hostsOf("zoned")).map((host: { locality: { zone: string }; priority?: number }) => [
      host.locality.zone,
      host.priority ?? 0,
    ]);
    expect(Object.fromEntries(zones)).toEqual({ "zone-a": 0, "zone-b": 1 });
    const [near, far] = versionsOf("zoned");
    Object.assign(near, { calls: 0 });
    for (let i = 0; i < 20; i++) await traffic.call("zoned");
    expect([near.calls, far.calls]).toEqual([20, 0]);
    near.failures = 1_000_000;
    for (let i = 0; i < 20; i++) await traffic.call("zoned");
    expect((await traffic.call("zoned")).status).toBe(200);
    expect(far.calls).toBeGreaterThan(0);
  });

  it("A/B and grey release: 10,000 requests each, within the binomial bound", async () => {
    await traffic.untilServed("split");
    const share = await shareOfSecond(traffic, "split", {}, versionsOf("split"));
    console.log(`grey release: ${(share * 100).toFixed(2)} % of 10,000 requests to v2, 25 % wanted`);
    expectShare(share, 0.25);
    expect(await shareOfSecond(traffic, "split", { "x-group": "b-7" }, versionsOf("split"))).toBe(1);
    expect(await shareOfSecond(traffic, "split", { version: "v1" }, versionsOf("split"))).toBe(0);
  });

  it.each(["gateway-api", "gateway-api-grpc"])("--target %s serves, and splits", async (target) => {
    const service = { name: "api-split", targetPort: 9000 };
    const task = api.task("api-split", { service, versions: labels("api-split") });
    const args = ["apply", "-f", "-", "--target", target, "--prune", "--wait", "--image"];
    const [plugin] = await cluster.client.list("extensions.istio.io/v1alpha1", "WasmPlugin");
    const image = (plugin as Manifest & { spec: { url: string } }).spec.url;
    const applied = await runModelgate(cluster.kubeconfig, [...args, image], listOf(api.resource(), task));
    expect(applied.code, applied.stderr).toBe(0);
    expect(applied.stdout).toContain(target === "gateway-api" ? "HTTPRoute" : "GRPCRoute");
    await api.untilServed("api-split");
    const share = await shareOfSecond(api, "api-split", {}, versionsOf("api-split"));
    console.log(`${target}: ${(share * 100).toFixed(2)} % of 10,000 requests to v2, 25 % wanted`);
    expectShare(share, 0.25);
    expect(await shareOfSecond(api, "api-split", { version: "v2" }, versionsOf("api-split"))).toBe(1);
    expect((await api.call("api-split", { headers: { "x-api-key": "wrong" } })).status).toBe(401);
    expect(await api.callGrpc("api-split")).toBe("0");
    expect(await api.callGrpc("api-split", "wrong")).toBe("16");
    expect((await api.call("api-split", { headers: COOKIE })).status).toBe(200);
    expectHeadersKept(servers("api-split"));
  });

  function versionsOf(task: string): [ScriptedServer, ScriptedServer] {
    return ["v1", "v2"].map((version) => cluster.node.scripted(`${task}-${version}`)[0]) as [
      ScriptedServer,
      ScriptedServer,
    ];
  }
});

const REQUESTS = 10_000;
const COOKIE = { cookie: "session=1" };

/** Sends requests and counts them in the model servers. */
async function shareOfSecond(
  tenant: TestTenant,
  task: string,
  headers: Record<string, string>,
  [first, second]: [ScriptedServer, ScriptedServer],
): Promise<number> {
  Object.assign(first, { calls: 0 });
  Object.assign(second, { calls: 0 });
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  await concurrently(new Array(REQUESTS).fill(undefined), 16, async () => {
    const { status } = await tenant.call(task, { headers, agent });
    expect(status).toBe(200);
  });
  agent.destroy();
  expect(first.calls + second.calls).toBe(REQUESTS);
  return second.calls / REQUESTS;
}

/** Four standard deviations of a binomial distribution: by chance one run in 16,000 is beyond. */
function expectShare(share: number, wanted: number): void {
  expect(Math.abs(share - wanted)).toBeLessThan(4 * Math.sqrt((wanted * (1 - wanted)) / REQUESTS));
}

/** The gateway keeps these headers: no model server was sent one. */
function expectHeadersKept(servers: ScriptedServer[]): void {
  for (const { headers } of servers) {
    expect(headers).toContain(":path");
    for (const kept of ["x-api-key", "taskid", "cookie", "x-envoy-original-path"])
      expect(headers).not.toContain(kept);
  }
}
