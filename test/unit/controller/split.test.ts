import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  HEADROOM,
  IDLE_SHARE,
  roundShares,
  SURE_SHARE,
  split,
} from "../../../tools/servers/controller/split.ts";

function shares(limit: number, demands: number[], weights = demands.map(() => 1)): number[] {
  const result = new Float64Array(demands.length);
  split(limit, Float64Array.from(demands), Float64Array.from(weights), result, demands.length);
  return [...result];
}

const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);

const pods = fc.array(
  fc.record({
    demand: fc.oneof(
      fc.constant(0),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      fc.double({ min: 0, max: 100, noNaN: true }),
    ),
    weight: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 1_000_001 })),
  }),
  { minLength: 1, maxLength: 60 },
);
const limits = fc.double({ min: 0.001, max: 1e9, noNaN: true });

describe("split", () => {
  test.each([
    ["one pod gets all", 100, [0], [100]],
    ["no demand: equal shares", 90, [0, 0, 0], [30, 30, 30]],
    ["what one leaves, the other gets", 100, [500, 0], [97.5, 2.5]],
    ["the small are served, the large share the rest", 100, [10, 500, 500], [11, 44.5, 44.5]],
  ])("%s", (_, limit, demands, expected) => {
    shares(limit, demands).forEach((share, i) => {
      expect(share).toBeCloseTo(expected[i] as number, 6);
    });
  });

  test("those that are short share by connections", () => {
    const [many, few] = shares(100, [500, 500], [3, 1]) as [number, number];
    expect(many).toBeCloseTo(75, 6);
    expect(few).toBeCloseTo(25, 6);
  });

  test("the sum is the limit, never more", () => {
    fc.assert(
      fc.property(limits, pods, (limit, all) => {
        const total = sum(
          shares(
            limit,
            all.map((p) => p.demand),
            all.map((p) => p.weight),
          ),
        );
        expect(total).toBeLessThanOrEqual(limit * (1 + 1e-9));
        expect(total).toBeGreaterThanOrEqual(limit * (1 - 1e-6));
      }),
    );
  });

  test("no pod starves, whatever the others claim", () => {
    fc.assert(
      fc.property(limits, pods, (limit, all) => {
        const equal = limit / all.length;
        shares(
          limit,
          all.map((p) => p.demand),
          all.map((p) => p.weight),
        ).forEach((share, i) => {
          const sure = Math.max(
            equal * IDLE_SHARE,
            Math.min((all[i]?.demand ?? 0) * HEADROOM, equal * SURE_SHARE),
          );
          expect(share).toBeGreaterThanOrEqual(sure * (1 - 1e-9));
        });
      }),
    );
  });

  test("more demand never gets a smaller share", () => {
    fc.assert(
      fc.property(
        limits,
        pods,
        fc.nat(),
        fc.double({ min: 1, max: 100, noNaN: true }),
        (limit, all, pick, factor) => {
          const demands = all.map((p) => p.demand);
          const weights = all.map((p) => p.weight);
          const i = pick % all.length;
          const before = shares(limit, demands, weights)[i] as number;
          demands[i] = (demands[i] as number) * factor;
          expect(shares(limit, demands, weights)[i] as number).toBeGreaterThanOrEqual(
            before * (1 - 1e-6) - limit * 1e-9,
          );
        },
      ),
    );
  });
});

test("whole shares keep the sum, and each is within one of its share", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { minLength: 1, maxLength: 60 }),
      (parts) => {
        const rounded = Float64Array.from(parts);
        roundShares(rounded, new Float64Array(parts.length), parts.length);
        expect(sum([...rounded])).toBeLessThanOrEqual(sum(parts) + 1e-5);
        expect(sum([...rounded])).toBeGreaterThan(sum(parts) - 1);
        rounded.forEach((whole, i) => {
          expect(Number.isInteger(whole)).toBe(true);
          expect(Math.abs(whole - (parts[i] as number))).toBeLessThan(1 + 1e-6);
        });
      },
    ),
  );
});

test("with fewer whole units than pods, those with demand come first", () => {
  const rounded = Float64Array.from([0.5, 0.5, 0.5, 0.5]);
  roundShares(rounded, Float64Array.from([0, 0, 1, 1]), 4);
  expect([...rounded]).toEqual([0, 0, 1, 1]);
});
