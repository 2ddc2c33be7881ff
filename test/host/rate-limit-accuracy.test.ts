import { describe, expect, it } from "vitest";
import type { Vm } from "../../tools/lib/host/vm.ts";
import { admitted, MILLISECOND, tickAll, workers } from "../support/rate-limit-vms.ts";

const STEP = 200_000n;
const STEPS_PER_SECOND = 5000;
const SECONDS = 6;

/** Which part of the load goes to each of `count` workers at a moment (seconds). */
type Load = (count: number, at: number) => number[];
const even: Load = (count) => Array(count).fill(1 / count);
const oneWorker: Load = (count) => Array.from({ length: count }, (_, i) => (i === 0 ? 1 : 0));
const lopsided: Load = (count) =>
  Array.from({ length: count }, (_, i) => (i === 0 ? 0.9 : 0.1 / (count - 1)));
const moving: Load = (count, at) =>
  Array.from({ length: count }, (_, i) => (i === Math.floor(at / 0.3) % count ? 1 : 0));

/** Requests admitted in each step of 10 ms, under `demand` requests a second in virtual time. */
function simulate(count: number, rate: number, demand: number, load: Load): number[] {
  const set = workers(count, { tasks: [{ taskid: "1", requestsPerSecond: rate, burst: rate / 20 }] });
  const due = Array<number>(count).fill(0);
  const counts: number[] = [];
  let inSlot = 0;
  for (let step = 0; step < SECONDS * STEPS_PER_SECOND; step++) {
    set.process.now += STEP;
    const shares = load(count, step / STEPS_PER_SECOND);
    for (const [i, share] of shares.entries()) {
      due[i] = (due[i] as number) + (share * demand) / STEPS_PER_SECOND;
      for (; (due[i] as number) >= 1; due[i] = (due[i] as number) - 1) {
        if (admitted(set.vms[i] as Vm)) inSlot++;
      }
    }
    if (step % STEPS_PER_SECOND === STEPS_PER_SECOND - 1) tickAll(set);
    if (step % 50 === 49) {
      counts.push(inSlot);
      inSlot = 0;
    }
  }
  return counts;
}

const loads = { even, oneWorker, lopsided, moving };

describe.each([1, 2, 4])("%i workers", (count) => {
  it.each(Object.keys(loads))("load %s: every window of a second is within 2 percent", (name) => {
    const load = loads[name as keyof typeof loads];
    for (const rate of [500, 5000]) {
      const counts = simulate(count, rate, rate * 1.5, load);
      for (let from = 50; from + 100 <= counts.length; from += 3) {
        const sum = counts.slice(from, from + 100).reduce((a, b) => a + b, 0);
        expect(Math.abs(sum - rate) / rate).toBeLessThanOrEqual(0.02);
      }
    }
  });
});

it("a worker in debt or gone takes no more than its lease with it", () => {
  const set = workers(2, { tasks: [{ taskid: "1", requestsPerSecond: 1000, burst: 1000 }] });
  const [first, second] = set.vms as [Vm, Vm];
  for (let i = 0; i < 100; i++) admitted(first);
  set.vms.splice(0, 1);
  let sum = 100;
  for (let i = 0; i < 2000; i++) if (admitted(second)) sum++;
  expect(sum).toBeGreaterThanOrEqual(990);
  expect(sum).toBeLessThanOrEqual(1000);
  set.process.now += MILLISECOND;
});
