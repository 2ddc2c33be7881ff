import { expect, it } from "vitest";
import { modelTask } from "../../tools/api/model-task.ts";
import { tenant } from "../../tools/api/tenant.ts";
import { rateLimitConfig } from "../../tools/cluster/istio/rate-limit-config.ts";
import { CONTINUE } from "../../tools/lib/host/stream.ts";
import type { Vm } from "../../tools/lib/host/vm.ts";
import { header, MILLISECOND, request, SECOND, type Workers, workers } from "../support/rate-limit-vms.ts";

const apiVersion = "modelgate.dev/v1alpha1";

/** A VM with the limits that a Tenant and its task render to. */
function configured(ofTenant: object, ofTask?: object): Workers & { vm: Vm } {
  const gateway = { name: "gateway", namespace: "search", hosts: ["search.example"] };
  const department = tenant.parse({
    ...{ apiVersion, kind: "Tenant", metadata: { name: "search" } },
    spec: { namespaces: ["search"], gateway, ...ofTenant },
  });
  const task = modelTask.parse({
    ...{ apiVersion, kind: "ModelTask", metadata: { name: "ranking", namespace: "search" } },
    spec: { taskid: "1", tenant: "search", service: { name: "ranking" }, ...(ofTask && { limits: ofTask }) },
  });
  const set = workers(
    1,
    rateLimitConfig(department, [task], undefined, () => undefined),
  );
  set.process.wall = BigInt(Date.parse("2027-01-31T12:00:00Z")) * 1_000_000n;
  return { ...set, vm: set.vms[0] as Vm };
}

const reasons = (vm: Vm, requests: Record<string, string>[]) =>
  requests.map(
    (headers) =>
      request(vm, { taskid: "1", ":path": "/", ...headers }, { "modelgate.principal": "search\nx" }).reply
        ?.details,
  );
const times = (count: number, headers = {}) => Array.from({ length: count }, () => headers);

it("a tenant has windows, of days and months too", () => {
  const windows = [
    { per: "day", requests: 2 },
    { per: "month", requests: 3 },
  ];
  const { vm, process } = configured({ limits: { requestsPerSecond: 100, windows } });
  expect(reasons(vm, times(3))).toEqual([undefined, undefined, "tenant_rate_limited"]);
  process.wall += BigInt(12 * 3600) * SECOND;
  process.now += BigInt(12 * 3600) * SECOND;
  // It is the first of February: another day and another month.
  expect(reasons(vm, times(3))).toEqual([undefined, undefined, "tenant_rate_limited"]);
  process.wall += BigInt(24 * 3600) * SECOND;
  process.now += BigInt(24 * 3600) * SECOND;
  expect(reasons(vm, times(2))).toEqual([undefined, "tenant_rate_limited"]);
});

it("a task's requests may cost more than one", () => {
  const cost = { header: "x-rows", max: 50 };
  const { vm } = configured({}, { requestsPerSecond: 10, cost });
  expect(reasons(vm, [{ "x-rows": "9" }, {}, {}, { "x-rows": "51" }])).toEqual([
    undefined,
    undefined,
    "task_rate_limited",
    "cost_malformed",
  ]);
});

it("descriptors limit each value of a header, and each thing that a path names", () => {
  const descriptors = [
    { name: "user", header: "x-user", requestsPerSecond: 1 },
    { name: "model", path: "/v2/models/{model}/infer", windows: [{ per: "hour", requests: 2 }] },
  ];
  const { vm } = configured({ descriptors });
  const model = (name: string) => ({ ":path": `/v2/models/${name}/infer` });
  expect(reasons(vm, [{ "x-user": "a" }, { "x-user": "a" }, { "x-user": "b" }])).toEqual([
    undefined,
    "descriptor_rate_limited",
    undefined,
  ]);
  expect(reasons(vm, [...times(3, model("m")), model("n"), {}])).toEqual([
    undefined,
    undefined,
    "descriptor_rate_limited",
    undefined,
    undefined,
  ]);
});

it("requests wait in the tenant's queue", () => {
  const { vm, process } = configured(
    { queue: { maxMilliseconds: 200 } },
    { requestsPerSecond: 10, burst: 1 },
  );
  expect(reasons(vm, times(1))).toEqual([undefined]);
  const waiting = vm.open({ taskid: "1" }, true, { "modelgate.principal": "search\nx" });
  expect([waiting.reply, waiting.action === CONTINUE]).toEqual([undefined, false]);
  process.now += 150n * MILLISECOND;
  vm.tick();
  expect([waiting.reply, waiting.action]).toEqual([undefined, CONTINUE]);
});

it("responses say what is left", () => {
  const { vm } = configured({ rateLimitHeaders: true }, { requestsPerSecond: 2 });
  const stream = vm.open({ taskid: "1" }, true, { "modelgate.principal": "search\nx" });
  stream.respond([[":status", "200"]], Buffer.from("{}"));
  expect(Object.fromEntries(stream.responseHeaders)).toMatchObject({
    "ratelimit-policy": '"task-second";q=2;w=1',
    ratelimit: '"task-second";r=1;t=1',
  });
  reasons(vm, times(1));
  const refused = request(vm, { taskid: "1" }, { "modelgate.principal": "search\nx" });
  expect(header(refused, "ratelimit")).toBe('"task-second";r=0;t=1');
});
