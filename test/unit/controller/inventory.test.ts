import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { modelTask } from "../../../tools/api/model-task.ts";
import { tenant } from "../../../tools/api/tenant.ts";
import { gatewaySpecs, revocations } from "../../../tools/servers/controller/inventory.ts";
import { readyReplicas } from "../../../tools/servers/controller/kubernetes/ready-replicas.ts";

const apiVersion = "modelgate.dev/v1alpha1";
const NOW = Date.parse("2027-01-01T00:00:00Z");
const DIGEST = "a".repeat(64);

function newTenant(name: string, spec: object = {}) {
  const gateway = { name: "g", namespace: name, hosts: [`${name}.example`] };
  return tenant.parse({
    apiVersion,
    kind: "Tenant",
    metadata: { name },
    spec: { gateway, namespaces: ["m"], ...spec },
  });
}

function newTask(name: string, taskid: string, spec: object) {
  const metadata = { name, namespace: "m" };
  return modelTask.parse({
    apiVersion,
    kind: "ModelTask",
    metadata,
    spec: { taskid, tenant: "t", service: { name: "s" }, ...spec },
  });
}

function tasksOf(tasks: ReturnType<typeof newTask>[], replicas = 3) {
  const { gateways, warnings } = gatewaySpecs(
    { tenants: [newTenant("t")], tasks, replicas: () => replicas },
    NOW,
  );
  return { tasks: Object.fromEntries(gateways.get("t/g")?.tasks ?? []), warnings };
}

describe("limits", () => {
  test.each([
    [
      "a fixed rate",
      { limits: { requestsPerSecond: 10, burst: 5 } },
      3,
      { "1": { perSecond: 10, burst: 5 } },
    ],
    [
      "a rate for each replica",
      { limits: { perReplica: 10, maxInFlightPerReplica: 4 } },
      3,
      { "1": { perSecond: 30, maxInFlight: 12 } },
    ],
    ["no replica is ready: one may come up", { limits: { perReplica: 10 } }, 0, { "1": { perSecond: 10 } }],
    ["no limits", {}, 3, {}],
    ["off", { limits: { perReplica: 10 }, mode: "off" }, 3, {}],
  ])("%s", (_, spec, replicas, expected) => {
    expect(tasksOf([newTask("a", "1", spec)], replicas).tasks).toEqual(expected);
  });

  test("a task id used twice is the first task's, an unknown tenant is told", () => {
    const limits = (requestsPerSecond: number) => ({ limits: { requestsPerSecond } });
    const { tasks, warnings } = tasksOf([
      newTask("b", "1", limits(2)),
      newTask("a", "1", limits(1)),
      newTask("c", "2", { ...limits(3), tenant: "nobody" }),
    ]);
    expect(tasks).toEqual({ "1": { perSecond: 1 } });
    expect(warnings).toEqual([
      "ModelTask/m/b: spec.taskid: 1 is another task's already",
      "ModelTask/m/c: spec.tenant: there is no Tenant nobody",
    ]);
  });

  test("tenants on one gateway share it", () => {
    const gateway = { name: "g", namespace: "x", hosts: ["x.example"] };
    const limits = { requestsPerSecond: 5 };
    const tenants = [newTenant("t", { gateway, limits }), newTenant("u", { gateway, limits })];
    const { gateways } = gatewaySpecs({ tenants, tasks: [], replicas: () => 1 }, NOW);
    expect([...(gateways.get("x/g")?.tenants.keys() ?? [])]).toEqual(["t", "u"]);
  });
});

test("limits on tokens are those of tenants and of language models, by replica where they say so", () => {
  const tokens = { tokensPerSecond: 900, burst: 7 };
  const openai = (tokenLimits: object, more: object = {}) => ({
    protocol: "openai",
    openai: { tokenLimits },
    ...more,
  });
  const tasks = [
    newTask("a", "1", openai({ tokensPerSecond: 50 })),
    newTask("b", "2", openai({ perReplica: 50, burst: 10 })),
    newTask("c", "3", openai({ perReplica: 50 }, { mode: "off" })),
    newTask("d", "4", openai({})),
  ];
  const tenants = [newTenant("t", { tokenLimits: tokens })];
  const spec = gatewaySpecs({ tenants, tasks, replicas: () => 3 }, NOW).gateways.get("t/g");
  expect(Object.fromEntries(spec?.taskTokens ?? [])).toEqual({
    "1": { perSecond: 50 },
    "2": { perSecond: 150, burst: 10 },
  });
  expect(Object.fromEntries(spec?.tenantTokens ?? [])).toEqual({ t: { perSecond: 900, burst: 7 } });
});

test("a tenant with windows alone has no rate to share between pods", () => {
  const limits = { windows: [{ per: "hour", requests: 100 }] };
  const tenants = [newTenant("t", { limits })];
  const { gateways } = gatewaySpecs({ tenants, tasks: [], replicas: () => 1 }, NOW);
  expect([...(gateways.get("t/g")?.tenants ?? [])]).toEqual([]);
});

describe("revocations", () => {
  const idDigest = createHash("sha256").update("id:t/a").digest("hex");

  test.each([
    ["valid", {}, []],
    ["disabled", { enabled: false }, [DIGEST, idDigest]],
    ["expired", { notAfter: "2026-12-31T23:59:59Z" }, [DIGEST, idDigest]],
    ["not expired yet", { notAfter: "2027-01-01T00:00:01+00:00" }, []],
  ])("%s", (_, credential, expected) => {
    const spec = { credentials: [{ id: "a", sha256: DIGEST, ...credential }] };
    expect(revocations(newTenant("t", spec), NOW)).toEqual(expected);
  });

  test("the next expiry is known", () => {
    const credentials = ["2026-01-01T00:00:00Z", "2027-03-01T00:00:00Z", "2027-02-01T00:00:00Z"].map(
      (notAfter, i) => ({
        ...{ id: String(i), sha256: DIGEST, notAfter },
      }),
    );
    const specs = gatewaySpecs(
      { tenants: [newTenant("t", { credentials })], tasks: [], replicas: () => 1 },
      NOW,
    );
    expect(specs.nextExpiry).toBe(Date.parse("2027-02-01T00:00:00Z"));
  });
});

test("ready replicas: a pod in two slices counts once, one that says nothing is ready, one that ends is not", () => {
  const slice = (service: string, endpoints: object[]) =>
    ({ metadata: { namespace: "m", labels: { "kubernetes.io/service-name": service } }, endpoints }) as never;
  const ready = readyReplicas([
    slice("s", [
      { addresses: ["10.0.0.1"], targetRef: { uid: "u1" }, conditions: { ready: true } },
      { addresses: ["10.0.0.2"], targetRef: { uid: "u2" }, conditions: {} },
      {
        addresses: ["10.0.0.3"],
        targetRef: { uid: "u3" },
        conditions: { ready: false, serving: true, terminating: true },
      },
    ]),
    slice("s", [{ addresses: ["fd00::1"], targetRef: { uid: "u1" }, conditions: { ready: true } }]),
    slice("other", []),
  ]);
  expect(Object.fromEntries(ready)).toEqual({ "m/s": 2, "m/other": 0 });
});
