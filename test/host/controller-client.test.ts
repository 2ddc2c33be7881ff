import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HostProcess } from "../../tools/lib/host/process.ts";
import type { Vm } from "../../tools/lib/host/vm.ts";
import {
  admitted,
  count,
  request,
  SECOND,
  tickAll,
  type Workers,
  workers,
} from "../support/rate-limit-vms.ts";

const controller = { gateway: "search/ingress", cluster: "controller", pod: "gw-1", token: "s3cret" };
const config = { tasks: [{ taskid: "1", requestsPerSecond: 100 }], controller };
const V1 = "limits.modelgate.dev/v1";

/** The VM that made a callout, after a tick of all. */
function reporter(set: Workers): Vm | undefined {
  set.process.now += SECOND;
  tickAll(set);
  return set.vms.find((vm) => vm.callouts.length > 0);
}

/** Answers the next report with limits, and lets every VM see them. */
function answer(set: Workers, reply: object | string, status = 200): void {
  const vm = reporter(set);
  vm?.answerCallout(status, typeof reply === "string" ? reply : JSON.stringify({ apiVersion: V1, ...reply }));
  set.process.now += SECOND;
  tickAll(set);
  for (const each of set.vms) while (each.callouts.length > 0) each.answerCallout(0);
}

const rate = (requestsPerSecond: number, burst = requestsPerSecond) => ({ requestsPerSecond, burst });

describe("reports", () => {
  it("come from one VM a second, with what all counted", () => {
    const set = workers(3, { ...config, tenants: [{ tenant: "search", requestsPerSecond: 1000 }] });
    for (let i = 0; i < 120; i++) {
      request(set.vms[i % 3] as Vm, { taskid: "1" }, { "modelgate.principal": "search\nbatch" });
    }
    const bodies: string[] = [];
    for (let i = 0; i < 4; i++) {
      const vm = reporter(set) as Vm;
      expect(set.vms.flatMap((each) => each.callouts).length).toBe(1);
      const { cluster, headers, body } = vm.callouts[0] ?? { headers: [], body: "" };
      expect(cluster).toBe("controller");
      expect(Object.fromEntries(headers)).toMatchObject({
        ":method": "POST",
        ":path": "/v1/report",
        authorization: "Bearer s3cret",
      });
      bodies.push(body);
      vm.answerCallout(0);
    }
    const reports = bodies.map((body) => JSON.parse(body));
    expect(reports[0]).toMatchObject({
      apiVersion: V1,
      gateway: "search/ingress",
      pod: "gw-1",
      generation: 0,
    });
    const sum = (kind: string, name: string, field: string) =>
      reports.reduce((total, report) => total + (report[kind][name]?.[field] ?? 0), 0);
    expect([sum("tasks", "1", "admitted"), sum("tasks", "1", "refused")]).toEqual([100, 20]);
    expect(sum("tenants", "search", "admitted")).toBe(100);
  });

  it.each([
    ["router~10.88.1.1~gateway-5c9f-x2x.search~search.svc.cluster.local", "gateway-5c9f-x2x"],
    ["router~10.88.1.1~gateway.v1-0.search~search.svc.cluster.local", "gateway.v1-0"],
    ["envoy-a", "envoy-a"],
    ["a~b~c", "a~b~c"],
  ])("carry the name of the pod of node %s", (id, pod) => {
    const process = new HostProcess();
    process.properties.set("xds\0node\0id", id);
    const { pod: _, ...anonymous } = controller;
    const vm = reporter(workers(1, { ...config, controller: anonymous }, process));
    expect(JSON.parse(vm?.callouts[0]?.body ?? "")).toMatchObject({ pod });
  });

  it("go on from another VM within 3 s when the reporting one is gone", () => {
    const set = workers(2, config);
    const first = reporter(set) as Vm;
    first.answerCallout(0);
    set.vms.splice(set.vms.indexOf(first), 1);
    let seconds = 0;
    while (!reporter(set) && seconds < 10) seconds++;
    expect(seconds).toBeLessThan(3);
  });

  it("tell how many requests are in flight and how long they take", () => {
    const set = workers(1, config);
    const vm = set.vms[0] as Vm;
    const streams = [vm.open({ taskid: "1" }, true), vm.open({ taskid: "1" }, true)];
    set.process.now += 5_000_000n;
    streams[0]?.close();
    const body = reporter(set)?.callouts[0]?.body ?? "";
    expect(JSON.parse(body).tasks["1"]).toEqual({
      admitted: 2,
      refused: 0,
      inFlight: 1,
      latencyMicroseconds: 5000,
    });
    streams[1]?.close();
  });
});

describe("limits", () => {
  it("come with as many revocations as a Tenant can have", () => {
    const set = workers(1, config);
    const revoked = Array.from({ length: 120_000 }, (_, i) => i.toString(16).padStart(64, "0"));
    answer(set, { generation: 7, full: true, tasks: { "1": rate(10) }, tenants: {}, revoked });
    set.process.now += SECOND;
    expect(count(set.vms, 300)).toBe(10);
  });

  it("of the plug-in configuration hold until the controller speaks, then its own", () => {
    const set = workers(2, config);
    expect(count(set.vms, 300)).toBe(100);
    answer(set, { generation: 7, full: true, tasks: { "1": rate(10), "9": rate(3) }, tenants: {} });
    set.process.now += SECOND;
    expect(count(set.vms, 300)).toBe(10);
    expect(count(set.vms, 300, { taskid: "9" })).toBe(3);
    const report = JSON.parse(reporter(set)?.callouts[0]?.body ?? "{}");
    expect(report.generation).toBe(7);
  });

  it.each([
    ["5e1", 50],
    ["0.5E2", 50],
    ["500000000000000000000000e-22", 50],
    ["0.0000000000000000000000005e26", 50],
  ])("of %s a second are what JSON.parse reads", (number, admitted) => {
    const set = workers(1, config);
    answer(
      set,
      `{"apiVersion":"${V1}","generation":1e2,"full":true,"tasks":{"1":{"requestsPerSecond":${number}}}}`,
    );
    set.process.now += SECOND;
    expect(count(set.vms, 300)).toBe(admitted);
    expect(JSON.parse(reporter(set)?.callouts[0]?.body ?? "{}").generation).toBe(100);
  });

  it("change in part, and go", () => {
    const set = workers(2, config);
    answer(set, { generation: 1, full: true, tasks: { "1": rate(10), "2": rate(20), "3": rate(30) } });
    answer(set, { generation: 2, full: false, tasks: { "2": rate(5), "3": null } });
    set.process.now += SECOND;
    expect(count(set.vms, 50)).toBe(10);
    expect(count(set.vms, 50, { taskid: "2" })).toBe(5);
    expect(count(set.vms, 50, { taskid: "3" })).toBe(50);
    answer(set, { generation: 3, full: true, tasks: {} });
    set.process.now += SECOND;
    expect(count(set.vms, 300)).toBe(100);
  });

  it("stay where others took their place while a change of them was on its way", () => {
    const set = workers(1, config);
    answer(set, { generation: 1, full: true, tasks: { "1": rate(10) } });
    const vm = reporter(set);
    const stored = set.process.sharedData.get("modelgate.limits.search/ingress")?.value as Uint8Array;
    stored.set([7]);
    vm?.answerCallout(
      200,
      JSON.stringify({ apiVersion: V1, generation: 2, full: false, tasks: { "1": rate(50) } }),
    );
    set.process.now += SECOND;
    tickAll(set);
    expect(stored[0]).toBe(7);
    expect(count(set.vms, 100)).toBe(10);
  });

  it("that change give nobody a new burst", () => {
    const set = workers(1, config);
    let sum = 0;
    for (let generation = 1; generation <= 10; generation++) {
      answer(set, { generation, full: true, tasks: { "1": rate(100 + generation) } });
      sum += count(set.vms, 500);
    }
    const seconds = 20;
    expect(sum).toBeLessThanOrEqual(110 * seconds + 110);
    set.process.now += SECOND / 100n;
    const before = count(set.vms, 500);
    expect(before).toBeLessThanOrEqual(2);
  });

  it("cap the requests in flight", () => {
    const set = workers(2, config);
    answer(set, { generation: 1, full: true, tasks: { "1": { ...rate(1000), maxInFlight: 3 } } });
    set.process.now += SECOND;
    const streams = Array.from({ length: 10 }, (_, i) => set.vms[i % 2]?.open({ taskid: "1" }, true));
    expect(streams.filter((stream) => stream?.reply === undefined).length).toBe(3);
    for (const stream of streams) stream?.close();
  });

  it("that lower the cap take effect while load goes on", () => {
    const set = workers(1, config);
    const capped = (generation: number, maxInFlight: number) =>
      answer(set, { generation, full: true, tasks: { "1": { ...rate(1e6), maxInFlight } } });
    capped(1, 100);
    const streams = Array.from({ length: 100 }, () => set.vms[0]?.open({ taskid: "1" }, true));
    expect(streams.some((stream) => stream?.reply)).toBe(false);
    capped(2, 10);
    for (let i = 0; i < 300; i++) {
      streams.shift()?.close();
      const next = set.vms[0]?.open({ taskid: "1" }, true);
      if (next?.reply) next.close();
      else streams.push(next);
    }
    expect(streams.length).toBe(10);
    for (const stream of streams) stream?.close();
  });

  it("never fill memory, however many names a controller makes up", () => {
    const set = workers(1, config);
    const names = (generation: number) =>
      Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`g${generation}-${i}`, rate(5)]));
    answer(set, { generation: 1, full: true, tasks: { "1": rate(10) } });
    for (let generation = 2; generation < 8; generation++)
      answer(set, { generation, full: false, tasks: names(generation) });
    const stored = set.process.sharedData.get("modelgate.limits.search/ingress")?.value.length ?? 0;
    expect(stored).toBeLessThan(50_000 * 40);
    set.process.now += SECOND;
    expect(count(set.vms, 50)).toBe(10);
  });

  it("are there at once for a VM that starts later", () => {
    const set = workers(1, config);
    answer(set, { generation: 1, full: true, tasks: { "1": rate(5) } });
    set.process.now += SECOND;
    expect(count(workers(1, config, set.process).vms, 100)).toBe(5);
  });

  it("hold when the controller comes back with an empty memory and starts to count anew", () => {
    const set = workers(1, config);
    answer(set, { generation: 41, full: true, tasks: { "1": rate(50) } });
    answer(set, { generation: 41, full: true, tasks: { "1": rate(20) } });
    set.process.now += SECOND;
    expect(count(set.vms, 100)).toBe(20);
    answer(set, { generation: 1, full: true, tasks: { "1": rate(30) } });
    set.process.now += SECOND;
    expect(count(set.vms, 100)).toBe(30);
  });

  it("hold while the controller has no news, and before its first", () => {
    const set = workers(1, config);
    answer(set, { generation: 0, full: false, tasks: {} });
    expect(count(set.vms, 300)).toBe(100);
    answer(set, { generation: 3, full: true, tasks: { "1": rate(50) } });
    answer(set, { generation: 3, full: false, tasks: {} });
    set.process.now += SECOND;
    expect(count(set.vms, 300)).toBe(50);
  });

  it("and buckets do not mind when the wall clock jumps", () => {
    const set = workers(1, config);
    answer(set, { generation: 3, full: true, tasks: { "1": rate(50) } });
    set.process.now += SECOND;
    expect(count(set.vms, 100)).toBe(50);
    for (const jump of [3600n, -7200n]) {
      set.process.wall += jump * SECOND;
      tickAll(set);
      expect(count(set.vms, 100)).toBe(0);
      set.process.now += SECOND / 2n;
      expect(count(set.vms, 100)).toBe(25);
    }
  });

  it("publish revoked credentials", () => {
    const set = workers(1, config);
    answer(set, { generation: 5, full: true, revoked: ["ab".repeat(32), "00".repeat(32)] });
    const value = Buffer.from(set.process.sharedData.get("modelgate.revoked")?.value ?? []);
    expect(value.readBigUInt64LE()).toBe(5n);
    expect(value.subarray(8).toString("hex")).toBe("ab".repeat(32) + "00".repeat(32));
  });
});

describe("replies that cannot be right", () => {
  const good = { apiVersion: V1, generation: 9, full: true, tasks: { "1": rate(1) } };
  it.each([
    ["no JSON", "<html>"],
    ["cut off", JSON.stringify(good).slice(0, -3)],
    ["with more behind", `${JSON.stringify(good)}x`],
    ["of another version", { ...good, apiVersion: "limits.modelgate.dev/v2" }],
    ["without a generation", { ...good, generation: undefined }],
    ["with two generations", `{"generation":5,${JSON.stringify(good).slice(1)}`],
    ["with a name without end", { ...good, tasks: { ["x".repeat(1000)]: rate(1), "1": rate(1) } }],
    ["with generation 0", { ...good, generation: 0 }],
    ["with a negative rate", { ...good, tasks: { "1": rate(1), "2": rate(-1) } }],
    ["with a huge rate", { ...good, tasks: { "1": rate(1e9 + 1, 1) } }],
    ["with an infinite rate", JSON.stringify(good).replace(":1,", ":1e999,")],
    ["with a negative burst", { ...good, tasks: { "1": rate(1, -2) } }],
    ["with half a request in flight", { ...good, tasks: { "1": { ...rate(1), maxInFlight: 0.5 } } }],
    ["with a rate that is text", { ...good, tasks: { "1": { requestsPerSecond: "1" } } }],
    ["with a limit that is none", { ...good, tasks: { "1": 5 } }],
    ["with a digest that is none", { ...good, revoked: ["zz".repeat(32)] }],
    ["with a short digest", { ...good, revoked: ["ab"] }],
    ["with a change of what nobody has", { ...good, full: false }],
  ])("%s: the last limits hold", (_name, reply) => {
    const set = workers(1, config);
    answer(set, typeof reply === "string" ? reply : JSON.stringify(reply));
    set.process.now += SECOND;
    expect(count(set.vms, 300)).toBe(100);
    expect(set.process.sharedData.has("modelgate.revoked")).toBe(false);
  });

  it.each([0, 307, 401, 500, 503])("status %i: the last limits hold", (status) => {
    const set = workers(1, config);
    answer(set, { generation: 1, full: true, tasks: { "1": rate(1) } }, status);
    set.process.now += SECOND;
    expect(count(set.vms, 300)).toBe(100);
  });

  it("never trap the VM, and never set a bad number", () => {
    const set = workers(1, config);
    const vm = set.vms[0] as Vm;
    const number = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.constantFrom(-1, 1e308, 1e10, "1e400", "-0", "0x1", "1.", ".5", "01", "NaN"),
    );
    const limit = fc.record(
      { requestsPerSecond: number, burst: number, maxInFlight: number, other: fc.jsonValue() },
      { requiredKeys: [] },
    );
    const limits = fc.dictionary(fc.string(), fc.oneof(limit, fc.constant(null), fc.jsonValue()));
    const reply = fc.record(
      {
        apiVersion: fc.constantFrom(V1, "v2"),
        generation: fc.oneof(fc.nat(), number),
        full: fc.oneof(fc.boolean(), fc.jsonValue()),
        tasks: limits,
        tenants: limits,
        revoked: fc.array(fc.oneof(fc.string(), fc.constant("ab".repeat(32)))),
      },
      { requiredKeys: ["apiVersion", "generation", "full"] },
    );
    const text = fc
      .tuple(reply, fc.nat(), fc.uint8Array({ maxLength: 6 }), fc.boolean())
      .map(([value, at, bytes, broken]) => {
        const whole = Buffer.from(
          JSON.stringify(value, (_key, each) => (each === "1e400" ? "@" : each)).replaceAll('"@"', "1e400"),
        );
        if (!broken) return whole;
        const cut = at % (whole.length + 1);
        return Buffer.concat([whole.subarray(0, cut), bytes, whole.subarray(cut + bytes.length)]);
      });
    fc.assert(
      fc.property(text, (bytes) => {
        answer(set, "", 0);
        const caller = reporter(set);
        caller?.answerCallout(200, bytes);
        set.process.now += SECOND;
        vm.tick();
        while (vm.callouts.length > 0) vm.answerCallout(0);
        admitted(vm);
        const stored = set.process.sharedData.get("modelgate.limits.search/ingress")?.value;
        for (const each of stored ? recordsOf(Buffer.from(stored)) : []) {
          expect(each.requestsPerSecond >= 0 && each.requestsPerSecond <= 1e9).toBe(true);
          expect(each.burst >= 0 && each.burst <= 1e9).toBe(true);
          expect(each.maxInFlight).toBeLessThanOrEqual(1e6);
        }
      }),
      { numRuns: 1500 },
    );
  });
});

/** The compact form of filters/rate-limit/controller/limit-records.ts. */
function recordsOf(bytes: Buffer) {
  const records: { requestsPerSecond: number; burst: number; maxInFlight: number; name: string }[] = [];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt16LE(at + 2);
    records.push({
      requestsPerSecond: bytes.readDoubleLE(at + 4),
      burst: bytes.readDoubleLE(at + 12),
      maxInFlight: bytes.readUInt32LE(at + 20),
      name: bytes.toString("utf8", at + 24, at + 24 + length),
    });
    at += 24 + length;
  }
  return records;
}

it("reads what JSON.parse reads: names and numbers", () => {
  const set = workers(1, config);
  let generation = 0;
  const names = fc.dictionary(
    fc.string({ unit: "binary", minLength: 1, maxLength: 20 }).filter((name) => name.isWellFormed()),
    fc.double({ min: 0, max: 1e9, noNaN: true }),
    { maxKeys: 5 },
  );
  fc.assert(
    fc.property(names, (rates) => {
      const tasks = Object.fromEntries(Object.entries(rates).map(([name, each]) => [name, rate(each, 1)]));
      answer(set, { generation: ++generation, full: true, tasks });
      const stored = Buffer.from(set.process.sharedData.get("modelgate.limits.search/ingress")?.value ?? []);
      expect(Number(stored.readBigUInt64LE())).toBe(generation);
      const read = recordsOf(stored);
      expect(read.map(({ name }) => name)).toEqual(Object.keys(rates));
      for (const { name, requestsPerSecond } of read) {
        const wanted = rates[name] as number;
        expect(Math.abs(requestsPerSecond - wanted)).toBeLessThanOrEqual(wanted * 1e-14);
      }
    }),
    { numRuns: 300 },
  );
});

it("needs no more memory when configurations come and go", () => {
  const { process, vms } = workers(1, {});
  const vm = vms[0] as Vm;
  const tasks = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`t${i}`, rate(5)]));
  const revoked = Array(2000).fill("ab".repeat(32));
  const reply = JSON.stringify({ apiVersion: V1, generation: 1, full: true, tasks, revoked });
  let rootId = 1000;
  const run = (times: number) => {
    for (let i = 0; i < times; i++) {
      vm.exports.proxy_on_context_create(++rootId, 0);
      expect(vm.configure({ rateLimit: config }, rootId)).toBe(true);
      process.now += 3n * SECOND;
      vm.exports.proxy_on_tick(rootId);
      vm.answerCallout(200, reply);
      process.now += SECOND;
      vm.exports.proxy_on_tick(rootId);
      expect(vm.callouts.splice(0).length).toBe(1);
      vm.exports.proxy_on_delete(rootId);
    }
    return vm.memoryBytes;
  };
  const warm = run(20);
  expect(run(40)).toBe(warm);
});

it("needs no more memory after 2,000 reports with 500 tasks", () => {
  const set = workers(1, config);
  const vm = set.vms[0] as Vm;
  const run = (from: number, reports: number) => {
    for (let generation = from; generation < from + reports; generation++) {
      const tasks = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`t${i}`, rate(generation)]));
      reporter(set)?.answerCallout(200, JSON.stringify({ apiVersion: V1, generation, full: true, tasks }));
    }
    return vm.memoryBytes;
  };
  const warm = run(1, 200);
  expect(run(201, 1800)).toBe(warm);
});
