import type { RecordableHistogram } from "node:perf_hooks";
import { percentile } from "../../../tools/serving/loadtest/histogram.ts";
import { median } from "../load.ts";

/** What rounds gave: their median, and how far apart they lie. */
export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** @throws Error of nothing */
export function spreadOf(values: number[]): Spread {
  if (values.length === 0) throw new Error("no round was measured");
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** Milliseconds; a percentile is absent where no request lies above it. */
export interface Latency {
  requests: number;
  p50: number;
  p90?: number;
  p99?: number;
  p999?: number;
}

export function latencyOf(latencies: RecordableHistogram): Latency {
  const { count } = latencies;
  const at = (percent: number) =>
    count * (1 - percent / 100) >= 1 - 1e-9 ? percentile(latencies, percent) : undefined;
  const [p90, p99, p999] = [at(90), at(99), at(99.9)];
  return {
    ...{ requests: count, p50: percentile(latencies, 50) },
    ...(p90 !== undefined && { p90 }),
    ...(p99 !== undefined && { p99 }),
    ...(p999 !== undefined && { p999 }),
  };
}

/** The same in a random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: () => number = Math.random): T[] {
  const all = [...items];
  for (let last = all.length - 1; last > 0; last--) {
    const at = Math.floor(random() * (last + 1));
    [all[last], all[at]] = [all[at] as T, all[last] as T];
  }
  return all;
}
