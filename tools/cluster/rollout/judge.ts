import { leastExcess } from "./proportion.ts";
import type { Sample } from "./sample.ts";

export interface Thresholds {
  /** The canaries' error ratio may be above the rest's by this much, in percentage points. */
  errorPoints: number;
  /** Their median and 99th percentile of duration may be this many times the rest's. */
  latencyFactor: number;
  /** Durations up to this are never too long, in milliseconds. */
  latencyFloor: number;
  /**
   * The share of requests refused for one reason may be above the rest's by this much, in percentage points.
   */
  refusalPoints: number;
  /** Requests that the canaries must have had before a step passes. */
  minimumRequests: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  errorPoints: 1,
  latencyFactor: 3,
  latencyFloor: 25,
  refusalPoints: 5,
  minimumRequests: 500,
};

/**
 * The z of the bounds of ratios. They are checked once a second, and each check is another chance for a false
 * alarm; at 4 (one in 30,000 for a single look) hours of checks together stay under one in a hundred, as
 * test/unit/rollout measures.
 */
const CONFIDENCE_Z = 4;

/**
 * What is wrong with the new filter at this moment; empty if nothing is. A ratio counts only as far as
 * its confidence bound is above what is allowed, so a few failures among few requests are no reason and many
 * are one at once.
 */
export function judge(canary: Sample, rest: Sample, thresholds: Thresholds): string[] {
  if (canary.vmFailures > 0)
    return [`the filter trapped: its VM was down or started anew ${canary.vmFailures} times`];
  const worse = (count: number, usual: number, points: number) =>
    leastExcess({ count, of: canary.requests }, { count: usual, of: rest.requests }, CONFIDENCE_Z) >
    points / 100;
  const reasons: string[] = [];
  if (worse(canary.errors, rest.errors, thresholds.errorPoints))
    reasons.push(
      `${percent(canary.errors, canary)} of requests fail, ${percent(rest.errors, rest)} in the rest of the fleet`,
    );
  for (const [reason, count] of Object.entries(canary.refused)) {
    const usual = rest.refused[reason] ?? 0;
    if (worse(count, usual, thresholds.refusalPoints))
      reasons.push(
        `${percent(count, canary)} of requests are refused as ${reason}, ${percent(usual, rest)} in the rest of the fleet`,
      );
  }
  return reasons;
}

function percent(count: number, { requests }: Sample): string {
  return `${(requests === 0 ? 0 : (count / requests) * 100).toFixed(2)} %`;
}
