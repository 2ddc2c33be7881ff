import { expect, it } from "vitest";
import { HostProcess } from "../../tools/lib/host/process.ts";
import type { Stream } from "../../tools/lib/host/stream.ts";
import type { Vm } from "../../tools/lib/host/vm.ts";
import { SECOND, tickAll, workers } from "../support/rate-limit-vms.ts";

const BODY = new TextEncoder().encode("{}");
const MIB = 1024 * 1024;
const SHARES = { percent: 50, maxInFlight: 20 };
const capped = { tasks: [{ taskid: "1", maxInFlight: 6 }], shares: SHARES };

/** A request of `credential`, whole with its headers unless told otherwise. */
function open(vm: Vm, credential: string, { taskid = "1", whole = true } = {}): Stream {
  const principal = { "modelgate.principal": `search\0${credential}` };
  const stream = vm.open({ taskid }, whole, principal);
  if (stream.reply) stream.close();
  return stream;
}

/** Opens streams until one is refused. @returns them, and the reason of the refusal */
function fill(vm: Vm, credential: string, options = {}): { streams: Stream[]; reason: string | undefined } {
  const streams: Stream[] = [];
  for (;;) {
    const stream = open(vm, credential, options);
    if (stream.reply) return { streams, reason: stream.reply.details };
    streams.push(stream);
    expect(streams.length).toBeLessThan(10_000);
  }
}

it("a credential uses its part of a task's requests in flight, over all workers", () => {
  const { vms } = workers(2, capped);
  const [first, second] = vms as [Vm, Vm];
  const { streams, reason } = fill(first, "a");
  expect([streams.length, reason]).toEqual([3, "credential_concurrency_limited"]);
  expect(open(second, "a").reply).toMatchObject({ status: 429, grpcStatus: 8 });
  expect(fill(second, "b").streams.length).toBe(3);
  expect(open(second, "c").reply).toMatchObject({ status: 503, details: "task_concurrency_limited" });
  streams.pop()?.close();
  expect(fill(second, "a").streams.length).toBe(1);
});

it("a task without a limit has a bound for each credential", () => {
  const { vms } = workers(2, { shares: SHARES });
  const [first, second] = vms as [Vm, Vm];
  const streams = [...fill(first, "a").streams, ...fill(second, "a").streams];
  expect(streams.length).toBe(20);
  expect(fill(second, "b").streams.length).toBe(20);
  expect(fill(second, "a", { taskid: "2" }).streams.length).toBe(20);
  for (const stream of streams) stream.close();
  expect(fill(first, "a").streams.length).toBe(20);
});

it("without shares, or where nobody is authenticated, there is no bound", () => {
  const refuses = (config: object, state: Record<string, string>) => {
    const [vm] = workers(1, config).vms as [Vm];
    return Array.from({ length: 100 }, () => vm.open({ taskid: "1" }, true, state)).some(
      ({ reply }) => reply,
    );
  };
  expect(refuses({}, { "modelgate.principal": "search\0a" })).toBe(false);
  expect(refuses({ shares: { percent: 1, maxInFlight: 1 } }, {})).toBe(false);
});

it("a request that is not whole has no permit of the task", () => {
  const { vms } = workers(1, { tasks: [{ taskid: "1", maxInFlight: 2 }] });
  const vm = vms[0] as Vm;
  const slow = Array.from({ length: 16 }, () => open(vm, "a", { whole: false }));
  for (const stream of slow) stream.sendRequestBody(BODY, 1, false);
  expect(fill(vm, "b").streams.length).toBe(2);
  slow[0]?.sendRequestBody(BODY);
  expect(slow[0]?.reply).toMatchObject({ status: 503, details: "task_concurrency_limited" });
  slow[1]?.endRequest();
  expect(slow[1]?.reply).toMatchObject({ status: 503, details: "task_concurrency_limited" });
  expect(open(vm, "a", { whole: false }).reply?.details).toBe("task_concurrency_limited");
});

it("a body that ends takes a permit, and gives it back", () => {
  const { vms } = workers(1, capped);
  const vm = vms[0] as Vm;
  for (let i = 0; i < 100; i++) {
    const stream = open(vm, "a", { whole: false });
    stream.sendRequestBody(BODY, 1);
    expect(stream.reply).toBeUndefined();
    stream.respond([[":status", "200"]], BODY);
    stream.close();
  }
  const streams = Array.from({ length: 3 }, () => open(vm, "a", { whole: false }));
  for (const stream of streams) stream.sendRequestBody(BODY);
  expect(fill(vm, "b").streams.length).toBe(3);
  expect(open(vm, "c").reply?.details).toBe("task_concurrency_limited");
});

it("a model that answers before the request is whole has it in flight, and it is not refused after that", () => {
  const { vms } = workers(1, { tasks: [{ taskid: "1", maxInFlight: 2 }] });
  const vm = vms[0] as Vm;
  const call = open(vm, "a", { whole: false });
  call.respond([[":status", "200"]], BODY, 1, false);
  expect(fill(vm, "b").streams.length).toBe(1);
  call.sendRequestBody(BODY);
  expect(call.reply).toBeUndefined();
});

it("a dry run counts and lets through", () => {
  const { vms } = workers(1, { ...capped, mode: "dryRun" });
  const vm = vms[0] as Vm;
  const streams = Array.from({ length: 20 }, () => open(vm, "a", { whole: false }));
  for (const stream of streams) {
    stream.sendRequestBody(BODY);
    expect(stream.reply).toBeUndefined();
    stream.close();
  }
  expect(fill(workers(1, capped).vms[0] as Vm, "a").streams.length).toBe(3);
});

it("a large share is leased, and what is idle goes back", () => {
  const set = workers(2, { shares: { percent: 50, maxInFlight: 1000 } });
  const [first, second] = set.vms as [Vm, Vm];
  const streams = Array.from({ length: 400 }, () => open(first, "a"));
  first.calls.length = 0;
  for (let i = 0; i < 100; i++) {
    streams.pop()?.close();
    streams.push(open(first, "a"));
  }
  expect(first.calls.filter((call) => call === "set_shared_data")).toEqual([]);
  for (const stream of streams) stream.close();
  tickAll(set);
  tickAll(set);
  expect(fill(second, "a").streams.length).toBe(1000);
});

it("the shares of a VM that is gone are free again", () => {
  const set = workers(2, capped);
  const [first, second] = set.vms as [Vm, Vm];
  expect(fill(first, "a").streams.length).toBe(3);
  for (let i = 0; i < 4; i++) {
    set.process.now += SECOND;
    second.tick();
  }
  expect(fill(second, "a").streams.length).toBe(3);
});

it("10,000 callers that have gone leave nothing behind, and giving back what they had takes no memory", () => {
  const { vms, process } = workers(1, { shares: SHARES });
  const vm = vms[0] as Vm;
  const bytes = () => vm.exports.memory.buffer.byteLength;
  const round = (name: string) => {
    for (let i = 0; i < 10_000; i++) open(vm, `caller-${name}-${i}`).close();
    const before = bytes();
    for (let i = 0; i < 2; i++) {
      process.now += SECOND;
      vm.tick();
    }
    // The list of what is free for others has 10,000 places in the end.
    expect(bytes()).toBeLessThanOrEqual(Math.max(before, 2 * MIB));
  };
  for (let i = 0; i < 4; i++) round(`${i}`);
  expect(process.sharedData.size).toBeLessThan(5000);
});

it("callers whose names are alike lie in as many sets as there are callers", () => {
  const process = new HostProcess();
  process.setShared("modelgate.keys.seed", new Uint8Array(8).fill(7), 0);
  const { vms } = workers(1, { shares: SHARES }, process);
  const streams = Array.from({ length: 100 }, (_, i) => open(vms[0] as Vm, String(i).padStart(2, "0")));
  const sets = [...process.sharedData.keys()].filter((key) => key.startsWith("modelgate.shares."));
  expect(sets.length).toBeGreaterThan(90);
  for (const stream of streams) stream.close();
});

it("refuses numbers that can't be", () => {
  for (const shares of [{ percent: 0 }, { percent: 101 }, { maxInFlight: 0 }, { more: 1 }])
    expect(() => workers(1, { shares }), JSON.stringify(shares)).toThrow();
});
