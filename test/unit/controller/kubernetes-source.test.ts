/** What of a cluster's resources the limits come from, against the fake API server. */
import { pino } from "pino";
import { Registry } from "prom-client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ResourceChecks } from "../../../tools/cluster/stored/custom-resources.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { parseReference } from "../../../tools/lib/oci/reference.ts";
import type { Inventory } from "../../../tools/servers/controller/inventory.ts";
import { KubernetesSource } from "../../../tools/servers/controller/kubernetes/source.ts";
import { soleLeader } from "../../../tools/servers/controller/leadership.ts";
import { Operator } from "../../../tools/servers/operator/operator.ts";
import { FakeApiServer } from "../../support/fake-api-server.ts";

const apiVersion = "modelgate.dev/v1alpha1";
const log = pino({ level: "silent" });
/** For a machine with much else to do. */
const WITHIN = 10_000;
/** Half of a surrogate pair: the schema takes it, and the filter can read none of the configuration. */
const UNREADABLE = { conversion: { raw: { name: "\ud800", datatype: "FP32", shape: [1] } } };
let api: FakeApiServer;
const running: { stop(): Promise<void> }[] = [];

beforeEach(async () => {
  api = new FakeApiServer();
  await api.start();
});
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
  await api.stop();
});

const tenant = (requestsPerSecond: number, spec: object = {}): Manifest => ({
  ...{ apiVersion, kind: "Tenant", metadata: { name: "search" } },
  spec: {
    namespaces: ["search"],
    gateway: { name: "gateway", namespace: "search", hosts: ["*.search.example"] },
    limits: { requestsPerSecond },
    ...spec,
  },
});
const other = (requestsPerSecond: number): Manifest => ({
  ...tenant(requestsPerSecond),
  metadata: { name: "sales" },
  spec: {
    namespaces: ["sales"],
    gateway: { name: "sales-gateway", namespace: "sales", hosts: ["*.sales.example"] },
    limits: { requestsPerSecond },
  },
});
const task = (name: string, requestsPerSecond: number, spec: object = {}): Manifest => ({
  ...{ apiVersion, kind: "ModelTask", metadata: { name, namespace: "search" } },
  spec: { taskid: name, tenant: "search", service: { name }, limits: { requestsPerSecond }, ...spec },
});

/** Follows the cluster. @returns the rates by name, as last heard */
async function follow(): Promise<() => Record<string, number | undefined>> {
  const source = new KubernetesSource(api.client.config, log, new ResourceChecks());
  running.push(source);
  let last: Inventory | undefined;
  await source.start((inventory) => {
    last = inventory;
  });
  return () =>
    Object.fromEntries(
      [...(last?.tenants ?? []), ...(last?.tasks ?? [])].map(({ metadata, spec }) => [
        metadata.name,
        spec.limits?.requestsPerSecond,
      ]),
    );
}

test.each<[string, object]>([
  ["the schema", { timeout: "soon" }],
  ["the cross-checks", { mirror: { version: "v9" } }],
  ["the filter", UNREADABLE],
])("a task that %s refuses keeps its limits, and the others theirs", async (_by, bad) => {
  await api.apply(tenant(100), task("a", 7));
  const rates = await follow();
  await api.apply(task("a", 700, bad), task("b", 9), task("c", 5, bad));
  await vi.waitFor(() => expect(rates()).toEqual({ search: 100, a: 7, b: 9 }), WITHIN);
  await api.apply(task("a", 8));
  await vi.waitFor(() => expect(rates()).toEqual({ search: 100, a: 8, b: 9 }), WITHIN);
});

test("a Tenant at fault keeps its limits and those of its tasks", async () => {
  await api.apply(tenant(100), task("a", 7));
  const rates = await follow();
  await api.apply(tenant(500, { tenantHeader: "x-api-key" }));
  await api.apply(other(50));
  await vi.waitFor(() => expect(rates()).toEqual({ search: 100, sales: 50, a: 7 }), WITHIN);
});

test("what was applied last is in force for a controller that comes later", async () => {
  const operator = new Operator({
    ...{
      client: api.client,
      log,
      checks: new ResourceChecks(),
      target: "istio" as const,
      firstRetryMs: 50,
      lastRetryMs: 100,
    },
    image: parseReference(`oci://registry.example/gateway@sha256:${"a".repeat(64)}`),
  });
  await operator.start(soleLeader, new Registry());
  await api.apply(tenant(100), task("a", 7));
  const applied = (kind: string, name: string) =>
    (api.find(kind, name)?.status as { applied?: string })?.applied;
  await vi.waitFor(() => {
    expect(applied("Tenant", "search")).toContain('"requestsPerSecond":100');
    expect(applied("ModelTask", "a")).toContain('"requestsPerSecond":7');
  }, WITHIN);
  await operator.stop();
  await api.apply(tenant(500, { tenantHeader: "x-api-key" }), task("a", 700, { mirror: { version: "v9" } }));
  expect((await follow())()).toEqual({ search: 100, a: 7 });
});
