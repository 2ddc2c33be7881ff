import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** Highest latency that a histogram holds, microseconds: ten minutes. */
const MAX_LATENCY_MICROS = 600_000_000;
const SIGNIFICANT_FIGURES = 3;

export function latencyHistogram(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: MAX_LATENCY_MICROS, figures: SIGNIFICANT_FIGURES });
}

export function record(histogram: RecordableHistogram, milliseconds: number): void {
  histogram.record(Math.min(MAX_LATENCY_MICROS, Math.max(1, Math.round(milliseconds * 1000))));
}

/** A percentile in milliseconds; 0 when nothing was recorded. */
export function percentile(histogram: RecordableHistogram, percent: number): number {
  return histogram.count === 0 ? 0 : histogram.percentile(percent) / 1000;
}
