import { describe, expect, it } from "vitest";
import { DEFAULT_THRESHOLDS } from "../../tools/cluster/rollout/judge.ts";
import { judgeLatency, type Window } from "../../tools/cluster/rollout/latency.ts";
import { NOTHING, type Sample } from "../../tools/cluster/rollout/sample.ts";
import { Noise } from "../unit/rollout/noise.ts";

/** Where a bin of Envoy's histograms begins: whole milliseconds, the first two digits of them. */
function binOf(milliseconds: number): string {
  const width = 10 ** Math.max(0, Math.floor(Math.log10(milliseconds)) - 1);
  return String(Math.floor(milliseconds / width) * width);
}

interface Load {
  canaryPerSecond: number;
  restPerSecond: number;
  seconds: number;
  /** Median of a lognormal distribution, in milliseconds; sigma 0.6. */
  median: number;
  /** Times that the canaries take longer. */
  factor?: number;
  /** Share of the canaries' requests that takes `factor` times as long. Default: all. */
  share?: number;
  /** The chance that a second of one slice is a bad moment, in which a third of the requests takes 20 times as long. */
  stalls?: number;
  /** Times that everything takes longer, by second: load that comes and goes. */
  swing?: (second: number) => number;
}

function windows(noise: Noise, load: Load): Window[] {
  const { canaryPerSecond, restPerSecond, median, factor = 1, share = 1, stalls = 0, swing = () => 1 } = load;
  const slice = (requests: number, second: number, slower: number): Sample => {
    const durations: Record<string, number> = {};
    const stalled = noise.next() < stalls;
    for (let i = 0; i < requests; i++) {
      let duration = median * swing(second) * Math.exp(0.6 * noise.normal());
      if (slower > 1 && noise.next() < share) duration *= slower;
      if (stalled && noise.next() < 1 / 3) duration *= 20;
      const bin = binOf(duration);
      durations[bin] = (durations[bin] ?? 0) + 1;
    }
    return { ...NOTHING, requests, durations };
  };
  return Array.from({ length: load.seconds }, (_, second) => ({
    canary: slice(canaryPerSecond, second, factor),
    rest: slice(restPerSecond, second, 1),
  }));
}

const usual = { canaryPerSecond: 30, restPerSecond: 270, seconds: 60, median: 10 };
const verdicts = (seed: number, load: Load, times = 40) => {
  const noise = new Noise(seed);
  const kinds = Array.from(
    { length: times },
    () => judgeLatency(windows(noise, load), DEFAULT_THRESHOLDS).kind,
  );
  return {
    slow: kinds.filter((kind) => kind === "slow").length,
    undecided: kinds.filter((kind) => kind === "undecided").length,
  };
};

describe("latency", () => {
  it.each<[string, Load]>([
    ["as fast as the rest", usual],
    ["hardly any requests", { ...usual, canaryPerSecond: 2, restPerSecond: 18 }],
    ["a whole fleet of traffic", { ...usual, canaryPerSecond: 300, restPerSecond: 1200, seconds: 15 }],
    ["stalls", { ...usual, stalls: 0.2 }],
    ["stalls of few requests", { ...usual, canaryPerSecond: 5, restPerSecond: 45, stalls: 0.3 }],
    ["load that comes and goes", { ...usual, swing: (second) => 1 + 9 * Math.abs(Math.sin(second / 10)) }],
    ["slower by less than the factor", { ...usual, factor: 1.8 }],
    ["slower, and still fast", { ...usual, median: 0.5, factor: 8 }],
  ])("no alarm in 40 rollouts: %s", (_name, load) => {
    expect(verdicts(1, load).slow).toBe(0);
  });

  it.each<[string, Load]>([
    ["all requests", { ...usual, factor: 8 }],
    ["all of few requests", { ...usual, canaryPerSecond: 4, restPerSecond: 40, seconds: 180, factor: 10 }],
    ["one in twenty", { ...usual, factor: 40, share: 0.05 }],
    ["while the rest stalls as often", { ...usual, factor: 8, stalls: 0.2 }],
  ])("alarm in at least 38 of 40 rollouts: %s", (_name, load) => {
    expect(verdicts(2, load).slow).toBeGreaterThanOrEqual(38);
  });

  it("one bad moment of a short step is no verdict", () => {
    const load = { ...usual, canaryPerSecond: 200, seconds: 3, factor: 10 };
    expect(verdicts(3, load)).toEqual({ slow: 0, undecided: 40 });
  });

  it("slower than too few of the rest is no verdict yet, and no faster than they is fine", () => {
    const few = { ...usual, restPerSecond: 80, seconds: 7 };
    expect(verdicts(6, { ...few, factor: 40, share: 0.05 }).undecided).toBeGreaterThanOrEqual(30);
    expect(verdicts(6, few)).toEqual({ slow: 0, undecided: 0 });
  });

  it("says what is slow", () => {
    const verdict = judgeLatency(windows(new Noise(4), { ...usual, factor: 10 }), DEFAULT_THRESHOLDS);
    expect(verdict).toMatchObject({
      kind: "slow",
      message: expect.stringMatching(/^\d+\.\d % of requests take longer than 3\d ms, 2\.\d % in/),
    });
  });

  it("nothing to compare with", () => {
    expect(judgeLatency([], DEFAULT_THRESHOLDS)).toEqual({ kind: "fine" });
    const alone = windows(new Noise(5), { ...usual, restPerSecond: 0, factor: 10 });
    expect(judgeLatency(alone, DEFAULT_THRESHOLDS)).toEqual({ kind: "fine" });
  });
});
