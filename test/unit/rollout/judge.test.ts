import { describe, expect, it } from "vitest";
import { DEFAULT_THRESHOLDS, judge, judgeLatency } from "../../../tools/rollout/judge.ts";
import {
  difference,
  NOTHING,
  parseStats,
  quantile,
  type Sample,
  sum,
} from "../../../tools/rollout/sample.ts";

const STATS = `http.outbound_0.0.0.0_8866;.downstream_rq_5xx: 3
http.outbound_0.0.0.0_8866;.downstream_rq_completed: 300
wasm.search.gw-modelgate~istio.vm_reload_backoff: 1
wasm.search.gw-modelgate~istio.vm_reload_success: 2
wasmcustom.modelgate.refused.credential_unknown: 7
http.outbound_0.0.0.0_8866;.downstream_rq_time: B0.5(1,10) B10(0,280) B250(0,10)
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
      durations: { "0.5": 10, "10": 280, "250": 10 },
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

  it("quantiles", () => {
    expect(quantile(parseStats(STATS), 0.5)).toBe(10);
    expect(quantile(parseStats(STATS), 0.99)).toBe(250);
    expect(quantile(NOTHING, 0.99)).toBe(0);
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
    ["errors", { errors: 20 }, ["2.00 % of requests fail, 0.10 % in the rest of the fleet"]],
    ["errors of too few requests", { requests: 99, errors: 50 }, []],
    [
      "a new reason of refusal",
      { refused: { task_missing: 60 } },
      ["6.00 % of requests are refused as task_missing, 0.00 % in the rest of the fleet"],
    ],
  ])("%s", (_name, change, reasons) => {
    expect(judge(sample(change), rest, DEFAULT_THRESHOLDS)).toEqual(reasons);
  });

  it("latency: one bucket of Envoy's histogram is chance, two are not", () => {
    const bounds = [25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];
    const at = (index: number) => sample({ durations: { [bounds[index] as number]: 1000 } });
    for (let i = 1; i < bounds.length; i++)
      expect(judgeLatency(at(i), at(i - 1), DEFAULT_THRESHOLDS), `${bounds[i]}`).toEqual([]);
    for (let i = 2; i < bounds.length; i++)
      expect(judgeLatency(at(i), at(i - 2), DEFAULT_THRESHOLDS), `${bounds[i]}`).toHaveLength(1);
  });

  it.each<[string, Partial<Sample>, Sample, number]>([
    ["slower", { durations: { 50: 1000 } }, rest, 1],
    ["slower by less than the factor", { durations: { 26: 1000 } }, sample({ durations: { 25: 1000 } }), 0],
    ["fast, whatever the factor", { durations: { 20: 1000 } }, sample({ durations: { 1: 1000 } }), 0],
    ["nothing to compare with", { durations: { 50: 1000 } }, NOTHING, 0],
  ])("latency: %s", (_name, change, others, count) => {
    expect(judgeLatency(sample(change), others, DEFAULT_THRESHOLDS)).toHaveLength(count);
  });
});
