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

it("a task, a tenant and a descriptor do not count the requests of exempt credentials and paths", () => {
  const exempt = { credentials: ["probe"], paths: ["/v2/models/{model}/ready", "/v2/health/live"] };
  const { vm } = configured(
    {
      credentials: [{ id: "probe", sha256: "0".repeat(64) }],
      limits: { requestsPerSecond: 1, exempt: { credentials: ["probe"] } },
      descriptors: [{ name: "user", header: "x-user", requestsPerSecond: 1, exempt }],
    },
    { requestsPerSecond: 1, exempt },
  );
  const ask = (credential: string, path: string, user = {}) =>
    request(vm, { taskid: "1", ":path": path, ...user }, { "modelgate.principal": `search\n${credential}` })
      .reply?.details;
  const user = { "x-user": "a" };
  // Who is exempt of all limits may go on for ever, and takes nothing of what others have.
  expect(times(5).flatMap(() => ask("probe", "/v2/models/m/infer", user) ?? [])).toEqual([]);
  expect([ask("x", "/v2/models/m/infer", user), ask("x", "/v2/models/m/infer", user)]).toEqual([
    undefined,
    "tenant_rate_limited",
  ]);
  // The tenant counts these paths.
  expect(ask("x", "/v2/models/m/ready")).toBe("tenant_rate_limited");
});

it("an exempt path is a whole path in one spelling, whatever its query", () => {
  const exempt = { paths: ["/v2/models/{model}/ready"] };
  const { vm } = configured({}, { requestsPerSecond: 1, exempt });
  expect(reasons(vm, times(2))).toEqual([undefined, "task_rate_limited"]);
  const at = (path: string) => reasons(vm, [{ ":path": path }])[0];
  expect(at("/v2/models/m/ready")).toBeUndefined();
  expect(at("/v2/models/m/ready?a=b")).toBeUndefined();
  for (const path of [
    "/v2/models/m/ready/",
    "/v2/models//ready",
    "/v2/models/m/n/ready",
    "/v2/models/m%2Finfer/ready",
    "/v2/models/m/READY",
    "/v2/models/m/infer?/v2/models/m/ready",
  ])
    expect([path, at(path)]).toEqual([path, "task_rate_limited"]);
});

it("what an exempt body turns out to cost is not charged afterwards", () => {
  const exempt = { credentials: ["probe"] };
  const { vm } = configured({}, { requestsPerSecond: 10, cost: { bytesPerToken: 1 }, exempt });
  const send = (credential: string) => {
    const state = { "modelgate.principal": `search\n${credential}`, "request\0size": "\x10\x27\0\0\0\0\0\0" };
    const stream = vm.open({ taskid: "1" }, false, state);
    stream.close();
    return stream.reply?.details;
  };
  expect([send("probe"), send("probe"), send("x"), send("x")]).toEqual([
    ...[undefined, undefined, undefined],
    "task_rate_limited",
  ]);
});
