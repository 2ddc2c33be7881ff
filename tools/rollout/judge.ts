import { quantile, type Sample } from "./sample.ts";

export interface Thresholds {
  /** The canaries' error ratio may be above the rest's by this much, in percentage points. */
  errorPoints: number;
  /** Their 99th percentile of duration may be this many times the rest's. */
  latencyFactor: number;
  /** The share of requests refused for one reason may be above the rest's by this much, in percentage points. */
  refusalPoints: number;
  /** Requests that the canaries must have had before a step passes. */
  minimumRequests: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  errorPoints: 1,
  // Durations are known by Envoy's buckets (25, 50, 100, 250, 500, ... ms). The next one is up to 3 times as long and may hold
  // a quantile by chance; the one after it is at least 4 times as long, and no chance.
  latencyFactor: 3,
  refusalPoints: 5,
  minimumRequests: 100,
};

/** Durations below this are not compared: buckets are coarse there. */
const LEAST_LATENCY_MS = 25;

/** What speaks against the new filter at any moment; empty when nothing does. Ratios count once there are `minimumRequests`. */
export function judge(canary: Sample, rest: Sample, thresholds: Thresholds): string[] {
  if (canary.vmFailures > 0)
    return [`the filter trapped: its VM was down or started anew ${canary.vmFailures} times`];
  if (canary.requests < thresholds.minimumRequests) return [];
  const reasons: string[] = [];
  const [errors, usual] = [percent(canary.errors, canary), percent(rest.errors, rest)];
  if (errors - usual > thresholds.errorPoints)
    reasons.push(`${errors.toFixed(2)} % of requests fail, ${usual.toFixed(2)} % in the rest of the fleet`);
  for (const [reason, count] of Object.entries(canary.refused)) {
    const [refused, usually] = [percent(count, canary), percent(rest.refused[reason] ?? 0, rest)];
    if (refused - usually > thresholds.refusalPoints)
      reasons.push(
        `${refused.toFixed(2)} % of requests are refused as ${reason}, ${usually.toFixed(2)} % in the rest of the fleet`,
      );
  }
  return reasons;
}

/**
 * Whether the new filter is slower than the rest of the fleet at the same time. Asked at the end of a step: the first
 * seconds, and other hours, are no fair comparison.
 */
export function judgeLatency(
  canary: Sample,
  rest: Sample,
  { latencyFactor, minimumRequests }: Thresholds,
): string[] {
  if (Math.min(canary.requests, rest.requests) < minimumRequests) return [];
  const [p99, usual] = [quantile(canary, 0.99), quantile(rest, 0.99)];
  if (p99 <= LEAST_LATENCY_MS || p99 <= usual * latencyFactor) return [];
  return [`99 % of requests take up to ${p99} ms, ${usual} ms in the rest of the fleet`];
}

function percent(count: number, { requests }: Sample): number {
  return requests === 0 ? 0 : (count / requests) * 100;
}
