import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findCapacity, inFlightAt } from "../../../tools/serving/loadtest/capacity.ts";
import { latencyHistogram } from "../../../tools/serving/loadtest/histogram.ts";
import { constantRate, type LoadResult } from "../../../tools/serving/loadtest/open-loop.ts";
import { parseSlo } from "../../../tools/serving/loadtest/slo.ts";
import { tokenTimes } from "../../../tools/serving/loadtest/token-times.ts";

/** What open-loop load on `slots` that each serve in `service` milliseconds comes to, without time passing. */
function simulated(rate: number, seconds: number, slots: number, service: number): LoadResult {
  const result = {
    sent: 0,
    failed: 0,
    milliseconds: 0,
    failures: new Map(),
    latencies: latencyHistogram(),
    lateness: latencyHistogram(),
    tokens: tokenTimes(),
  };
  const freeAt = new Array<number>(slots).fill(0);
  for (const intended of constantRate(rate, seconds)) {
    const slot = freeAt.indexOf(Math.min(...freeAt));
    const done = Math.max(intended, freeAt[slot] as number) + service;
    freeAt[slot] = done;
    result.sent++;
    result.milliseconds = Math.max(result.milliseconds, done);
    result.latencies.record(Math.max(1, Math.round((done - intended) * 1000)));
  }
  return result;
}

const search = (run: (rate: number) => Promise<LoadResult>, options: object = {}) =>
  findCapacity({
    ...{ slo: parseSlo("p99=200ms"), from: 10, to: 100_000, growth: 1.5, precision: 0.03, pauseMs: 0 },
    ...{ run, onStep: () => {}, ...options },
  });

describe("the search for the knee", () => {
  it("comes within 10 % of any server's capacity", async () => {
    const servers = fc.record({
      slots: fc.integer({ min: 1, max: 32 }),
      service: fc.integer({ min: 5, max: 100 }),
    });
    await fc.assert(
      fc.asyncProperty(servers, async ({ slots, service }) => {
        const capacity = (slots / service) * 1000;
        const { rate, isFound, knee } = await search(async (rate) => simulated(rate, 10, slots, service));
        expect(isFound).toBe(true);
        expect(Math.abs(rate / capacity - 1)).toBeLessThan(0.1);
        expect(knee?.breaches).toEqual([]);
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  it("takes no single hiccup for the knee", async () => {
    let hiccups = 0;
    const { rate } = await search(async (rate) => {
      const isHiccup = rate > 50 && hiccups++ === 0;
      return simulated(rate, 10, isHiccup ? 1 : 4, isHiccup ? 1000 : 20);
    });
    expect(rate).toBeGreaterThan(180);
  });

  it("ends at the highest rate that it may try", async () => {
    const { rate, isFound } = await search(async (rate) => simulated(rate, 2, 100, 1), { to: 300 });
    expect({ rate, isFound }).toEqual({ rate: 300, isFound: false });
  });

  it("finds nothing where the first rate is too much already", async () => {
    const { rate, knee } = await search(async (rate) => simulated(rate, 2, 1, 500));
    expect({ rate, knee }).toEqual({ rate: 0, knee: undefined });
  });

  it("ends when it is told to", async () => {
    const stop = new AbortController();
    const result = await search(
      async (rate) => {
        if (rate > 20) stop.abort();
        return simulated(rate, 1, 4, 20);
      },
      { signal: stop.signal },
    );
    expect(result).toMatchObject({ rate: 15, isFound: false });
    expect(result.steps).toHaveLength(2);
  });

  it("tells the requests in flight at the knee (Little's law)", async () => {
    const { knee } = await search(async (rate) => simulated(rate, 10, 4, 20));
    expect(knee && inFlightAt(knee)).toBeGreaterThan(3.5);
  });
});
