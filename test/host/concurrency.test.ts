import { expect, it } from "vitest";
import type { Stream } from "../../tools/lib/host/stream.ts";
import type { Vm } from "../../tools/lib/host/vm.ts";
import { header, MILLISECOND, SECOND, tickAll, workers } from "../support/rate-limit-vms.ts";

const capped = (maxInFlight: number) => ({ tasks: [{ taskid: "1", maxInFlight }] });

function open(vm: Vm): Stream {
  const stream = vm.open({ taskid: "1" }, true);
  if (stream.reply) stream.close();
  return stream;
}

/** Opens streams on a VM until one is refused. */
function fill(vm: Vm): Stream[] {
  const streams: Stream[] = [];
  for (let stream = open(vm); !stream.reply; stream = open(vm)) streams.push(stream);
  return streams;
}

it("caps what is in flight over all workers, wherever it is", () => {
  const { vms } = workers(2, capped(5));
  const [first, second] = vms as [Vm, Vm];
  const streams = fill(first);
  expect(streams.length).toBe(5);
  const refused = open(second);
  expect(refused.reply).toMatchObject({ status: 503, details: "task_concurrency_limited", grpcStatus: 14 });
  expect(header(refused, "retry-after")).toBe("1");
  streams.pop()?.close();
  expect(fill(second).length).toBe(1);
});

it("gets a permit back however a stream ends", () => {
  const config = { tasks: [{ taskid: "1", maxInFlight: 3, requestsPerSecond: 1000, burst: 1000 }] };
  const { vms } = workers(1, config);
  const vm = vms[0] as Vm;
  for (let i = 0; i < 500; i++) {
    const stream = open(vm);
    expect(stream.reply).toBeUndefined();
    if (i % 3 === 0) stream.respond([[":status", "200"]], new Uint8Array(1));
    if (i % 3 === 1) stream.reply = { status: 504, details: "timeout", body: "", headers: [], grpcStatus: 4 };
    stream.close();
  }
  expect(fill(vm).length).toBe(3);
});

it("holds a large cap with leased permits, and returns the idle ones", () => {
  const set = workers(2, capped(1000));
  const [first, second] = set.vms as [Vm, Vm];
  const streams = Array.from({ length: 400 }, () => open(first));
  first.calls.length = 0;
  for (let i = 0; i < 100; i++) {
    streams.pop()?.close();
    streams.push(open(first));
  }
  expect(first.calls.filter((call) => call === "set_shared_data")).toEqual([]);
  for (const stream of streams) stream.close();
  tickAll(set);
  tickAll(set);
  expect(fill(second).length).toBe(1000);
});

it("frees the permits of a VM that is gone", () => {
  const set = workers(2, capped(4));
  const [first, second] = set.vms as [Vm, Vm];
  expect(fill(first).length).toBe(4);
  expect(fill(second).length).toBe(0);
  for (let i = 0; i < 4; i++) {
    set.process.now += SECOND;
    second.tick();
  }
  expect(fill(second).length).toBe(4);
});

it("keeps the permits of all when the whole process stood still", () => {
  const { process, vms } = workers(2, capped(4));
  const [first, second] = vms as [Vm, Vm];
  const streams = fill(first);
  process.now += 10n * SECOND;
  expect(fill(second).length).toBe(0);
  expect(fill(first).length).toBe(0);
  second.tick();
  expect(fill(second).length).toBe(0);
  first.tick();
  expect(fill(second).length).toBe(0);
  for (const stream of streams) stream.close();
  expect(fill(second).length).toBe(4);
});

it("lowers the limit when latency rises, and raises it again", () => {
  const config = { tasks: [{ taskid: "1", adaptiveConcurrency: { min: 4, max: 100, initial: 40 } }] };
  const set = workers(2, config);
  /** Keeps as many requests going as are let in, each of them for `milliseconds`. @returns how many at last */
  const run = (rounds: number, milliseconds: bigint) => {
    let most = 0;
    for (let round = 0; round < rounds; round++) {
      const streams = set.vms.flatMap((vm) => fill(vm));
      set.process.now += milliseconds * MILLISECOND;
      for (const stream of streams) {
        stream.respond([[":status", "200"]], new Uint8Array(1));
        stream.close();
      }
      tickAll(set);
      most = streams.length;
    }
    return most;
  };
  const usual = run(60, 20n);
  expect(usual).toBeGreaterThan(40);
  const slow = run(20, 200n);
  expect(slow).toBeLessThan(usual / 2);
  expect(slow).toBeGreaterThanOrEqual(4);
  expect(run(200, 20n)).toBeGreaterThan(slow * 2);
});

it("brings the requests in flight down with the limit while load goes on", () => {
  const adaptiveConcurrency = { min: 4, initial: 200, max: 200 };
  const { process, vms } = workers(1, { tasks: [{ taskid: "1", adaptiveConcurrency }] });
  const vm = vms[0] as Vm;
  const streams = Array.from({ length: 200 }, () => open(vm));
  const roundOf = (milliseconds: bigint) => {
    for (let i = streams.length; i > 0; i--) {
      process.now += (milliseconds * MILLISECOND) / BigInt(i);
      streams.shift()?.close();
      const next = open(vm);
      if (!next.reply) streams.push(next);
    }
  };
  for (let i = 0; i < 5; i++) roundOf(100n);
  for (let i = 0; i < 40; i++) roundOf(2000n);
  const value = process.sharedData.get("modelgate.concurrency.1")?.value as Uint8Array;
  const limit = new DataView(value.buffer, value.byteOffset).getFloat64(0, true);
  expect(limit).toBeLessThan(150);
  expect(streams.length).toBeLessThanOrEqual(limit);
  for (const stream of streams) stream.close();
});
