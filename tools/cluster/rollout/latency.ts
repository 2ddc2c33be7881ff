import type { Thresholds } from "./judge.ts";
import { type Share, signTest, wilson } from "./proportion.ts";
import { type Sample, slowerThan, sum, timed } from "./sample.ts";

/** What canaries and the rest did in the same seconds. */
export interface Window {
  canary: Sample;
  rest: Sample;
}

/** @property kind undecided: what looks slow may be one bad moment; more time tells */
type LatencyVerdict = { kind: "fine" | "undecided" } | { kind: "slow"; message: string };

/** Of the bounds of quantiles: one in 740. They are asked for at the end of a step only. */
const CONFIDENCE_Z = 3;
/** The sign test's chance of a false alarm. */
const SIGNIFICANCE = 0.01;
/** The end of a bin of Envoy's histograms, in times of its begin; it counts whole milliseconds. */
const BIN = 1.1;
/** Windows are joined until the canaries have had so many requests in them. */
const BLOCK_REQUESTS = 100;

/**
 * Whether the new filter makes requests slower than they are in the rest of the fleet at the same time. Two
 * things must hold for the median or the 99th percentile:
 *
 * - Over all windows the canaries' quantile is surely above `latencyFactor` times the rest's, and above
 * `latencyFloor`. The
 * bounds of a quantile are those of the share of requests beyond it, whatever the distribution (Hahn and
 * Meeker, Statistical
 *   Intervals, section 5.2), so few requests prove nothing.
 * - It is so most of the time. Such bounds take requests as independent, but a stalled machine delays all
 * requests of a
 * moment; so the windows are blocks in each of which the rest is the control, and a sign test (Conover,
 * Practical
 *   Nonparametric Statistics, section 3.4) asks whether more than half of them are slow.
 */
export function judgeLatency(windows: Window[], thresholds: Thresholds): LatencyVerdict {
  const blocks = joined(windows);
  const whole = total(windows);
  if (timed(whole.rest) === 0) return { kind: "fine" };
  let undecided = false;
  for (const quantile of [0.5, 0.99]) {
    const allowed = 1 - quantile;
    const sure = surelyBelow(whole.rest, allowed);
    const usual = sure ?? longest(whole.rest);
    const limit = Math.max(usual * thresholds.latencyFactor, thresholds.latencyFloor);
    const slow = (sample: Sample): Share => ({ count: slowerThan(sample, limit), of: timed(sample) });
    const exceeds = (sample: Sample) => ratio(slow(sample)) > allowed;
    if (wilson(slow(whole.canary), CONFIDENCE_Z).lower <= allowed) continue;
    // Slower than all of the rest, of which too few tell what is usual there.
    if (sure === undefined) {
      undecided = true;
      continue;
    }
    const count = blocks.filter(({ canary, rest }) => exceeds(canary) && !exceeds(rest)).length;
    if (signTest({ count, of: blocks.length }) < SIGNIFICANCE)
      return {
        kind: "slow",
        message: `${(ratio(slow(whole.canary)) * 100).toFixed(1)} % of requests take longer than ${limit.toFixed(0)} ms, ${(ratio(slow(whole.rest)) * 100).toFixed(1)} % in the rest of the fleet`,
      };
    undecided ||= signTest({ count: blocks.length, of: blocks.length }) >= SIGNIFICANCE;
  }
  return { kind: undecided ? "undecided" : "fine" };
}

/** Milliseconds that all but a share of the requests surely stay below; undefined when too few tell. */
function surelyBelow(sample: Sample, share: number): number | undefined {
  return ends(sample).find(
    (bound) => wilson({ count: slowerThan(sample, bound), of: timed(sample) }, CONFIDENCE_Z).upper <= share,
  );
}

/** Milliseconds that every request stayed below. */
function longest(sample: Sample): number {
  return ends(sample).at(-1) ?? 0;
}

/** Where the bins that hold requests end, by rising milliseconds. */
function ends({ durations }: Sample): number[] {
  return Object.keys(durations)
    .map((from) => Number(from) * BIN + 1)
    .sort((a, b) => a - b);
}

/** Windows one after the other, joined to blocks that have enough requests to tell a quantile. */
function joined(windows: Window[]): Window[] {
  const blocks: Window[] = [];
  let open: Window[] = [];
  for (const window of windows) {
    open.push(window);
    const block = total(open);
    if (timed(block.canary) < BLOCK_REQUESTS || timed(block.rest) === 0) continue;
    blocks.push(block);
    open = [];
  }
  return blocks;
}

function total(windows: Window[]): Window {
  return { canary: sum(windows.map(({ canary }) => canary)), rest: sum(windows.map(({ rest }) => rest)) };
}

function ratio({ count, of }: Share): number {
  return of === 0 ? 0 : count / of;
}
