import { describe, expect, it } from "vitest";
import { HostProcess } from "../../tools/lib/host/process.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { STOP } from "../support/actions.ts";
import {
  admitted,
  count,
  header,
  MILLISECOND,
  request,
  SECOND,
  tickAll,
  workers,
} from "../support/rate-limit-vms.ts";

const one = (limit: object, others: object = {}) => ({ tasks: [{ taskid: "1", ...limit }], ...others });

describe("token buckets", () => {
  it("admit the burst, then the rate, over all workers together", () => {
    const { process, vms } = workers(3, one({ requestsPerSecond: 10, burst: 20 }));
    expect(count(vms, 100)).toBe(20);
    process.now += SECOND;
    expect(count(vms, 100)).toBe(10);
    process.now += SECOND / 10n;
    expect(count(vms, 5)).toBe(1);
    process.now += 100n * SECOND;
    expect(count(vms, 100)).toBe(20);
  });

  it("lease many tokens at once when the rate is high, and never give more than there are", () => {
    const { process, vms } = workers(2, one({ requestsPerSecond: 100_000, burst: 1000 }));
    const [vm] = vms as [Vm, Vm];
    vm.calls.length = 0;
    for (let i = 0; i < 500; i++) expect(admitted(vm)).toBe(true);
    expect(vm.calls.filter((call) => call === "set_shared_data").length).toBeLessThanOrEqual(10);
    expect(vm.calls.filter((call) => call === "clock_time_get").length).toBeLessThanOrEqual(10);
    expect(500 + count(vms, 5000)).toBe(1000);
    process.now += SECOND;
    expect(count(vms, 5000)).toBe(1000);
  });

  it("take back what a worker leased and does not use", () => {
    const set = workers(2, one({ requestsPerSecond: 100_000, burst: 1000 }));
    const [busy, idle] = set.vms as [Vm, Vm];
    for (let i = 0; i < 300; i++) admitted(idle);
    tickAll(set);
    tickAll(set);
    expect(300 + count([busy], 5000)).toBe(1000);
  });

  it("give nothing twice when another worker's clock is behind", () => {
    const { process, vms } = workers(3, one({ requestsPerSecond: 1, burst: 5 }));
    const [first, behind, last] = vms as [Vm, Vm, Vm];
    process.now += 100n * SECOND;
    expect(count([first], 4)).toBe(4);
    process.now -= 50n * SECOND;
    expect(count([behind], 3)).toBe(1);
    process.now += 50n * SECOND;
    expect(count([last], 10)).toBe(0);
    process.now += SECOND;
    expect(count([last], 10)).toBe(1);
  });

  it("hold several windows at once", () => {
    const limits = { requestsPerSecond: 10, requestsPerMinute: 30, requestsPerHour: 100 };
    const { process, vms } = workers(2, one(limits));
    expect(count(vms, 50)).toBe(10);
    process.now += SECOND;
    expect(count(vms, 50)).toBe(10);
    process.now += SECOND;
    expect(count(vms, 50)).toBe(10);
    process.now += SECOND;
    expect(count(vms, 50)).toBe(1);
    let inAnHour = 31;
    for (let minute = 0; minute < 60; minute++) {
      process.now += 60n * SECOND;
      inAnHour += count(vms, 50);
    }
    expect(inAnHour).toBeGreaterThan(195);
    expect(inAnHour).toBeLessThanOrEqual(201);
  });

  it("keep their level when a VM is made anew", () => {
    const { process, vms } = workers(1, one({ requestsPerSecond: 5 }));
    expect(count(vms, 10)).toBe(5);
    expect(count(workers(1, one({ requestsPerSecond: 5 }), process).vms, 10)).toBe(0);
  });

  it("limit a tenant over its tasks, and get a token back when the task refuses", () => {
    const { vms } = workers(1, {
      tasks: [{ taskid: "1", requestsPerSecond: 1, burst: 2 }],
      tenants: [{ tenant: "search", requestsPerSecond: 1, burst: 4 }],
    });
    const reasons = ["1", "1", "1", "2", "2", "2"].map(
      (taskid) =>
        request(vms[0] as Vm, { taskid }, { "modelgate.principal": "search\nbatch" }).reply?.details,
    );
    expect(reasons).toEqual([
      undefined,
      undefined,
      "task_rate_limited",
      undefined,
      undefined,
      "tenant_rate_limited",
    ]);
  });

  it("limit a credential", () => {
    const { vms } = workers(1, { credentials: [{ credential: "key-1", requestsPerSecond: 2 }] });
    const details = (credential: string) =>
      request(vms[0] as Vm, { taskid: "1" }, { "modelgate.principal": `any\n${credential}` }).reply?.details;
    expect(["key-1", "key-1", "key-1", "key-2"].map(details)).toEqual([
      undefined,
      undefined,
      "credential_rate_limited",
      undefined,
    ]);
  });

  it("cost the host nothing where no limit applies, and no clock while a lease lasts", () => {
    const { vms } = workers(1, one({ requestsPerSecond: 1_000_000 }));
    const vm = vms[0] as Vm;
    for (let i = 0; i < 100; i++) admitted(vm);
    vm.calls.length = 0;
    expect(admitted(vm, "2")).toBe(true);
    for (let i = 0; i < 10; i++) expect(admitted(vm)).toBe(true);
    expect(new Set(vm.calls)).toEqual(new Set(["get_header_map_pairs"]));
  });

  it("need no memory for requests", () => {
    const config = one(
      { requestsPerSecond: 1000 },
      { descriptors: [{ name: "user", header: "x-user", requestsPerSecond: 5 }] },
    );
    const { vms } = workers(1, config);
    const vm = vms[0] as Vm;
    const run = (from: number) => {
      for (let i = from; i < from + 20_000; i++) request(vm, { taskid: "1", "x-user": `user-${i}` });
      vm.tick();
      return vm.memoryBytes;
    };
    const warm = run(0);
    expect(run(20_000)).toBe(warm);
    expect(run(40_000)).toBe(warm);
  });
});

describe("costs", () => {
  it("come from a header, and are refused when they are nonsense", () => {
    const { vms } = workers(1, one({ requestsPerSecond: 100, cost: { header: "X-Tokens", max: 80 } }));
    const details = (tokens?: string) =>
      request(vms[0] as Vm, { taskid: "1", ...(tokens === undefined ? {} : { "x-tokens": tokens }) }).reply
        ?.details;
    expect(["60", "39", undefined, "1"].map(details)).toEqual([
      undefined,
      undefined,
      undefined,
      "task_rate_limited",
    ]);
    for (const bad of ["81", "-1", "1.5", "", "1e3", "99999999999999999999", " 1"]) {
      expect(details(bad)).toBe("cost_malformed");
    }
  });

  it("beyond the burst leave a debt instead of shutting a caller out", () => {
    const { process, vms } = workers(1, one({ requestsPerSecond: 10, cost: { header: "x-tokens" } }));
    const pass = (tokens: number) =>
      request(vms[0] as Vm, { taskid: "1", "x-tokens": String(tokens) }).reply === undefined;
    expect(pass(50)).toBe(true);
    process.now += 4n * SECOND;
    expect(pass(1)).toBe(false);
    process.now += SECOND / 10n;
    expect(pass(1)).toBe(true);
  });

  it("come from the body's size, told before or measured after", () => {
    const config = one({ requestsPerSecond: 10, cost: { bytesPerToken: 1000 } });
    const { process, vms } = workers(1, config);
    const vm = vms[0] as Vm;
    const told = vm.open({ taskid: "1", "content-length": "6500" });
    told.close();
    expect(told.reply).toBeUndefined();
    expect(count(vms, 10)).toBe(3);
    process.now += SECOND;
    const measured = vm.open({ taskid: "1" }, false, { "request\0size": "\x10\x27\0\0\0\0\0\0" });
    measured.close();
    expect(measured.reply).toBeUndefined();
    expect(count(vms, 10)).toBe(0);
  });
});

describe("priorities", () => {
  const priority = {
    header: "x-priority",
    classes: [{ class: "online", share: 0.5, credentials: ["live"] }, { class: "offline" }],
    default: "offline",
  };
  it("let online traffic outlive offline traffic", () => {
    const { process, vms } = workers(2, one({ requestsPerSecond: 100 }, { priority }));
    const offline = { taskid: "1", "x-priority": "offline" };
    const online = { taskid: "1", "x-priority": "online" };
    expect(count(vms, 200, offline)).toBeGreaterThanOrEqual(49);
    expect(count(vms, 200, online)).toBeGreaterThanOrEqual(49);
    for (let i = 0; i < 10; i++) {
      process.now += SECOND;
      expect(count(vms, 40, online) + 0).toBe(40);
    }
  });

  it("come from a credential before the header", () => {
    const { vms } = workers(1, one({ requestsPerSecond: 100 }, { priority }));
    count(vms, 200, { taskid: "1", "x-priority": "offline" });
    const headers = { taskid: "1", "x-priority": "offline" };
    expect(request(vms[0] as Vm, headers).reply).toBeDefined();
    expect(request(vms[0] as Vm, headers, { "modelgate.principal": "any\nlive" }).reply).toBeUndefined();
  });
});

describe("descriptors", () => {
  const descriptor = { name: "user", header: "X-User", requestsPerSecond: 3 };
  it("let a new key in beside one that is drained, also where the table is full: the fullest goes", () => {
    const { vms } = workers(1, { descriptors: [{ ...descriptor, requestsPerSecond: 10, maxKeys: 4 }] });
    expect(count(vms, 20, { "x-user": "drained" })).toBe(10);
    for (let i = 0; i < 16; i++) expect(count(vms, 1, { "x-user": `new-${i}` })).toBe(1);
    expect(count(vms, 20, { "x-user": "drained" })).toBe(0);
  });

  it("give each value of a header its own bucket, over all workers", () => {
    const { vms } = workers(2, { descriptors: [descriptor] });
    expect(count(vms, 10, { "x-user": "a" })).toBe(3);
    expect(count(vms, 10, { "x-user": "b" })).toBe(3);
    expect(count(vms, 10, {})).toBe(10);
  });

  it("give each thing that a path names its own bucket", () => {
    const { vms } = workers(1, {
      descriptors: [{ name: "model", path: "/v2/models/{model}/infer", requestsPerSecond: 2 }],
    });
    expect(count(vms, 5, { ":path": "/v2/models/a/infer" })).toBe(2);
    expect(count(vms, 5, { ":path": "/v2/models/%61/infer?x=1" })).toBe(0);
    expect(count(vms, 5, { ":path": "/v2/models/b/infer" })).toBe(2);
    expect(count(vms, 5, { ":path": "/v2/models/b/ready" })).toBe(5);
    expect(count(vms, 5, { ":path": "/v2/models//infer" })).toBe(5);
  });

  it("give each of many names that are alike its own, in a table with room for them", () => {
    const process = new HostProcess();
    process.setShared("modelgate.keys.seed", new Uint8Array(8).fill(7), 0);
    const { vms } = workers(1, { descriptors: [{ ...descriptor, maxKeys: 4096 }] }, process);
    const names = Array.from({ length: 100 }, (_, i) => `user-${String(i).padStart(2, "0")}`);
    const admitted = () => names.map((name) => count(vms, 4, { "x-user": name }));
    expect(admitted()).toEqual(names.map(() => 3));
    expect(admitted()).toEqual(names.map(() => 0));
  });

  it("keep a drained bucket drained under a flood of new keys", () => {
    const { vms } = workers(2, { descriptors: [{ ...descriptor, maxKeys: 64 }] });
    expect(count(vms, 10, { "x-user": "mallory" })).toBe(3);
    let flood = 0;
    for (let i = 0; i < 2000; i++) flood += count(vms, 4, { "x-user": `new-${i}` });
    expect(flood).toBeLessThanOrEqual(3 * 64);
    expect(count(vms, 10, { "x-user": "mallory" })).toBe(0);
  });
});

describe("replies", () => {
  it("say when to come back, over HTTP", () => {
    const { vms } = workers(1, one({ requestsPerSecond: 2, requestsPerMinute: 6, burstPerMinute: 3 }));
    count(vms, 2);
    const second = request(vms[0] as Vm);
    expect(second.reply).toMatchObject({ status: 429, details: "task_rate_limited" });
    expect(JSON.parse(second.reply?.body ?? "")).toMatchObject({ reason: "task_rate_limited" });
    expect(header(second, "retry-after")).toBe("1");
    expect(header(second, "ratelimit-policy")).toBe('"task-second";q=2;w=1, "task-minute";q=6;w=60');
    expect(header(second, "ratelimit")).toBe('"task-second";r=0;t=1');
  });

  it("name the window that refuses", () => {
    const { process, vms } = workers(
      1,
      one({ requestsPerSecond: 2, requestsPerMinute: 6, burstPerMinute: 3 }),
    );
    count(vms, 2);
    process.now += SECOND / 2n;
    count(vms, 1);
    process.now += SECOND / 2n;
    const minute = request(vms[0] as Vm);
    expect(header(minute, "retry-after")).toBe("9");
    expect(header(minute, "ratelimit")).toBe('"task-minute";r=0;t=9');
  });

  it("carry RetryInfo over gRPC", () => {
    const { vms } = workers(1, one({ requestsPerSecond: 1 }));
    count(vms, 1);
    const refused = request(vms[0] as Vm, { taskid: "1", "content-type": "application/grpc" });
    expect(refused.reply?.grpcStatus).toBe(8);
    expect(header(refused, "grpc-retry-pushback-ms")).toBe("1000");
    const details = Buffer.from(header(refused, "grpc-status-details-bin") ?? "", "base64");
    const message = "the task is over its request rate";
    const type = "type.googleapis.com/google.rpc.RetryInfo";
    const any = Buffer.concat([Buffer.of(10, type.length), Buffer.from(type), Buffer.of(18, 4, 10, 2, 8, 1)]);
    expect(details).toEqual(
      Buffer.concat([
        Buffer.of(8, 8, 18, message.length),
        Buffer.from(message),
        Buffer.of(26, any.length),
        any,
      ]),
    );
  });
});

describe("modes", () => {
  it.each([
    ["of a task", one({ requestsPerSecond: 1, mode: "dryRun" })],
    ["of all", one({ requestsPerSecond: 1 }, { mode: "dryRun" })],
  ])("dry run %s lets through and says what it would have done", (_of, config) => {
    const { vms } = workers(1, config);
    expect(request(vms[0] as Vm).filterState.get("modelgate.would_refuse")).toBeUndefined();
    const stream = request(vms[0] as Vm);
    expect(stream.reply).toBeUndefined();
    expect(stream.filterState.get("modelgate.would_refuse")).toBe("task_rate_limited");
  });

  it("switch a task's limit off", () => {
    const { vms } = workers(1, one({ requestsPerSecond: 1, mode: "off" }));
    expect(count(vms, 100)).toBe(100);
  });
});

describe("the queue", () => {
  const queued = one({ requestsPerSecond: 100, burst: 2 }, { queue: { maxMilliseconds: 25, maxStreams: 3 } });
  it("delays requests that a token comes for in time, in their order", () => {
    const { process, vms } = workers(1, queued);
    const vm = vms[0] as Vm;
    count(vms, 2);
    const waiting = [vm.open({ taskid: "1" }), vm.open({ taskid: "1" })];
    expect(waiting.map(({ action, reply }) => [action, reply])).toEqual(Array(2).fill([STOP, undefined]));
    expect(vm.tickPeriodMs).toBeLessThan(20);
    expect(request(vm).reply?.status).toBe(429);
    process.now += 10n * MILLISECOND;
    vm.tick();
    expect(waiting.map(({ action }) => action)).toEqual([0, STOP]);
    process.now += 10n * MILLISECOND;
    vm.tick();
    expect(waiting.map(({ action }) => action)).toEqual([0, 0]);
    expect(vm.tickPeriodMs).toBe(1000);
    for (const stream of waiting) stream.close();
  });

  it("refuses in the end whom another worker took the tokens from", () => {
    const { process, vms } = workers(2, queued);
    const [vm, other] = vms as [Vm, Vm];
    count(vms, 6);
    const waiting = vm.open({ taskid: "1" });
    for (let i = 0; i < 3; i++) {
      process.now += 10n * MILLISECOND;
      expect(request(other).reply).toBeUndefined();
      expect(waiting.reply).toBeUndefined();
      vm.tick();
    }
    expect(waiting.reply?.status).toBe(429);
    waiting.close();
  });

  it("holds up no report, however often streams wait", () => {
    const controller = { gateway: "search/ingress", cluster: "controller", pod: "gw-1" };
    const { process, vms } = workers(1, { ...queued, controller });
    const vm = vms[0] as Vm;
    let reports = 0;
    for (let i = 0; i < 40; i++) {
      let waiting = vm.open({ taskid: "1" });
      for (; waiting.action === 0; waiting = vm.open({ taskid: "1" })) waiting.close();
      expect(vm.tickPeriodMs).toBeLessThan(20);
      process.now += 20n * MILLISECOND;
      vm.tick();
      expect(waiting.action).toBe(0);
      expect(vm.tickPeriodMs).toBe(1000);
      waiting.close();
      for (; vm.callouts.length > 0; reports++) vm.answerCallout(0);
      process.now += 80n * MILLISECOND;
    }
    expect(reports).toBeGreaterThanOrEqual(3);
  });

  it("forgets a client that leaves", () => {
    const { process, vms } = workers(1, queued);
    const vm = vms[0] as Vm;
    count(vms, 2);
    const gone = vm.open({ taskid: "1" });
    const stays = vm.open({ taskid: "1" });
    gone.close();
    process.now += 10n * MILLISECOND;
    vm.tick();
    expect(stays.action).toBe(0);
    expect(vm.tickPeriodMs).toBe(1000);
    stays.close();
  });
});

it.each([
  [one({}), "rateLimit.tasks[0].requestsPerSecond: is required"],
  [one({ requestsPerSecond: 0 }), "must be at least 0.001"],
  [one({ burst: 5 }), "needs requestsPerSecond"],
  [{ tasks: [1, 2].map(() => ({ taskid: "1", requestsPerSecond: 1 })) }, "has a limit already"],
  [one({ requestsPerSecond: 1, mode: "maybe" }), "must be enforce, dryRun or off"],
  [one({ requestsPerSecond: 1, cost: { header: "a", bytesPerToken: 1 } }), "excludes header"],
  [{ descriptors: [{ name: "a", requestsPerSecond: 1 }] }, "or path is required"],
  [
    { descriptors: [{ name: 'a"', header: "x", requestsPerSecond: 1 }] },
    "name: must be printable ASCII without quotes and backslashes",
  ],
  [{ descriptors: [{ name: "a\nb", header: "x", requestsPerSecond: 1 }] }, "must be printable ASCII"],
  [{ ...one({}), queue: { maxMilliseconds: 1e300 } }, "maxMilliseconds: must be at most 60000"],
  [{ descriptors: [{ name: "a", path: "/a{b}", requestsPerSecond: 1 }] }, "one whole segment"],
  [one({ requestsPerSecond: 1, exempt: { paths: ["/a{b}"] } }), "exempt.paths[0]: has braces"],
  [one({ requestsPerSecond: 1, exempt: { paths: ["a"] } }), "exempt.paths[0]: must start with /"],
  [one({ requestsPerSecond: 1, exempt: { credentials: [""] } }), "exempt.credentials[0]: must not be empty"],
  [one({ requestsPerSecond: 1, exempt: { headers: ["a"] } }), "exempt.headers: unknown field"],
  [{ priority: { classes: [{ class: "a", share: 1.5 }], default: "a" } }, "add up to more than 1"],
  [{ priority: { classes: [{ class: "a" }], default: "b" } }, "must be one of the classes"],
  [{ controller: { cluster: "c" } }, "rateLimit.controller.gateway: is required"],
  [{ tusks: [] }, "unknown field"],
])("refuses the configuration %j", (config, message) => {
  const vm = new Vm(modulePath("rate-limit"));
  expect(vm.configure({ rateLimit: config })).toBe(false);
  expect(vm.logs.at(-1)).toContain(message);
});
