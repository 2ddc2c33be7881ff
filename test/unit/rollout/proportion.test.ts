import { describe, expect, it } from "vitest";
import { leastExcess, signTest, wilson } from "../../../tools/cluster/rollout/proportion.ts";

describe("proportions", () => {
  // Newcombe 1998, Statistics in Medicine 17, p. 857, table I, 95 %.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])("Wilson: %s of %s", (count, of, lower, upper) => {
    const bounds = wilson({ count, of }, 1.959964);
    expect(bounds.lower).toBeCloseTo(lower, 4);
    expect(bounds.upper).toBeCloseTo(upper, 4);
  });

  // Newcombe 1998, Statistics in Medicine 17, p. 877, table II, method 10, 95 %.
  it.each([
    [56, 70, 48, 80, 0.0524],
    [9, 10, 3, 10, 0.1705],
    [10, 10, 0, 20, 0.6791],
  ])("Newcombe: %s of %s over %s of %s", (a, ofA, b, ofB, least) => {
    expect(leastExcess({ count: a, of: ofA }, { count: b, of: ofB }, 1.959964)).toBeCloseTo(least, 4);
  });

  it.each([
    [0, 0, 1],
    [7, 7, 1 / 128],
    [6, 7, 8 / 128],
    [0, 7, 1],
    [30, 60, 0.551],
  ])("sign test: %s of %s", (count, of, chance) => {
    expect(signTest({ count, of })).toBeCloseTo(chance, 3);
  });
});
