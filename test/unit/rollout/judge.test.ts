import { describe, expect, it } from "vitest";
import { DEFAULT_THRESHOLDS, judge } from "../../../tools/cluster/rollout/judge.ts";
import {
  difference,
  NOTHING,
  parseStats,
  type Sample,
  slowerThan,
  sum,
} from "../../../tools/cluster/rollout/sample.ts";
import { Noise } from "./noise.ts";

const STATS = `http.outbound_0.0.0.0_8866;.downstream_rq_5xx: 3
http.outbound_0.0.0.0_8866;.downstream_rq_completed: 300
wasm.search.gw-modelgate~istio.vm_reload_backoff: 1
wasm.search.gw-modelgate~istio.vm_reload_success: 2
wasmcustom.modelgate.refused.credential_unknown: 7
http.outbound_0.0.0.0_8866;.downstream_rq_time:
  totals=0,0:10, 9.5,0.10000000000000001:280, 1.2e+02,10:10
  intervals=0,0:1
  summary=P0(nan,0) P25(nan,9.5) P100(nan,125)
`;
const sample = (change: Partial<Sample>): Sample => ({ ...NOTHING, requests: 1000, ...change });
const rest = sample({ requests: 10_000, errors: 10, refused: { rate: 100 }, durations: { 10: 10_000 } });

describe("samples", () => {
  it("reads Envoy's stats", () => {
    expect(parseStats(STATS)).toEqual({
      requests: 300,
      errors: 3,
      vmFailures: 3,
      refused: { credential_unknown: 7 },
      durations: { "0": 10, "9.5": 280, "1.2e+02": 10 },
    });
    expect(parseStats("")).toEqual(NOTHING);
  });

  it("subtracts and adds", () => {
    const after = sample({ requests: 1500, errors: 4, refused: { rate: 3 } });
    const before = sample({ errors: 1, refused: { rate: 1 } });
    expect(difference(before, after)).toMatchObject({ requests: 500, errors: 3, refused: { rate: 2 } });
    expect(difference(after, sample({ requests: 10 }))).toMatchObject({ requests: 10 });
    expect(sum([before, after])).toMatchObject({ requests: 2500, errors: 5, refused: { rate: 4 } });
  });

  it("counts what took longer", () => {
    const { durations } = parseStats(STATS);
    const slower = (milliseconds: number) => slowerThan(sample({ durations }), milliseconds);
    expect([0, 1, 9.5, 10, 120, 121].map(slower)).toEqual([300, 290, 290, 10, 10, 0]);
  });
});

describe("judge", () => {
  it.each<[string, Partial<Sample>, string[]]>([
    ["as good as the rest", { errors: 1, refused: { rate: 15 } }, []],
    [
      "a trap",
      { requests: 1, vmFailures: 1 },
      ["the filter trapped: its VM was down or started anew 1 times"],
    ],
    ["errors", { errors: 60 }, ["6.00 % of requests fail, 0.10 % in the rest of the fleet"]],
    ["errors within what is allowed", { errors: 10 }, []],
    [
      "all of few requests",
      { requests: 30, errors: 30 },
      ["100.00 % of requests fail, 0.10 % in the rest of the fleet"],
    ],
    ["one of few requests", { requests: 10, errors: 1 }, []],
    ["nothing yet", { requests: 0 }, []],
    [
      "a new reason of refusal",
      { refused: { task_missing: 120 } },
      ["12.00 % of requests are refused as task_missing, 0.00 % in the rest of the fleet"],
    ],
  ])("%s", (_name, change, reasons) => {
    expect(judge(sample(change), rest, DEFAULT_THRESHOLDS)).toEqual(reasons);
  });

  it("without a rest of the fleet errors count by themselves", () => {
    expect(judge(sample({ errors: 60 }), NOTHING, DEFAULT_THRESHOLDS)).toHaveLength(1);
    expect(judge(sample({ errors: 2 }), NOTHING, DEFAULT_THRESHOLDS)).toEqual([]);
  });

  /** A canary in ten pods, 300 requests a second in all, looked at once a second. */
  function look(noise: Noise, seconds: number, ratios: { canary: number; rest: number }): number | undefined {
    let [canary, others] = [NOTHING, NOTHING];
    for (let second = 1; second <= seconds; second++) {
      canary = sum([canary, { ...NOTHING, requests: 30, errors: noise.count(30, ratios.canary) }]);
      others = sum([others, { ...NOTHING, requests: 270, errors: noise.count(270, ratios.rest) }]);
      if (judge(canary, others, DEFAULT_THRESHOLDS).length > 0) return second;
    }
    return undefined;
  }

  it.each([
    ["no errors but the odd one", { canary: 0.002, rest: 0.002 }],
    ["as bad as the rest", { canary: 0.05, rest: 0.05 }],
    ["worse by all that is allowed", { canary: 0.02, rest: 0.01 }],
  ])("noise is no reason in 50 rollouts of 10 minutes: %s", (_name, ratios) => {
    const noise = new Noise(7);
    const alarms = Array.from({ length: 50 }, () => look(noise, 600, ratios)).filter(Boolean);
    expect(alarms.length).toBe(0);
  });

  it.each([
    ["all fail", 1, 1],
    ["one in five", 0.2, 10],
    ["one in twenty", 0.05, 60],
  ])("sees what is there: %s, within %s s", (_name, canary, within) => {
    const noise = new Noise(8);
    for (let i = 0; i < 50; i++)
      expect(look(noise, 600, { canary, rest: 0.001 })).toBeLessThanOrEqual(within as number);
  });
});
