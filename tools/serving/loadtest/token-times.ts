import type { RecordableHistogram } from "node:perf_hooks";
import type { Tokens } from "../model-client/token-reader.ts";
import { latencyHistogram, percentile, record } from "./histogram.ts";

/** What callers of a language model wait for, over a run. HdrHistograms, microseconds, 3 figures. */
export interface TokenTimes {
  /** From when each request was to be sent to the first token of its answer. */
  first: RecordableHistogram;
  /** Mean time from one token to the next, of each answer with two or more. */
  each: RecordableHistogram;
  /** Tokens of all answers, and of their prompts. */
  count: number;
  prompts: number;
}

/** Percentiles in milliseconds; 0 where no answer was a stream. */
interface Percentiles {
  p50: number;
  p90: number;
  p99: number;
}

/** The tokens of one arrival rate. */
export interface TokenStep {
  /** Time to first token. */
  ttft: Percentiles;
  /** Time per output token. */
  tpot: Percentiles;
  /** Of answers; and with their prompts, as limits on tokens count. */
  perSecond: number;
  allPerSecond: number;
}

export function tokenTimes(): TokenTimes {
  return { first: latencyHistogram(), each: latencyHistogram(), count: 0, prompts: 0 };
}

/** @param dueAt when the request was to be sent, by performance.now() */
export function recordTokens(
  times: TokenTimes,
  { count, prompt, firstAt, lastAt }: Tokens,
  dueAt: number,
): void {
  times.count += count;
  times.prompts += prompt;
  if (firstAt === undefined || lastAt === undefined) return;
  record(times.first, firstAt - dueAt);
  if (count > 1) record(times.each, (lastAt - firstAt) / (count - 1));
}

/** @returns undefined where no answer had a token */
export function tokenStep(
  { first, each, count, prompts }: TokenTimes,
  milliseconds: number,
): TokenStep | undefined {
  if (count === 0) return undefined;
  return {
    ...{ ttft: percentiles(first), tpot: percentiles(each) },
    perSecond: (count / milliseconds) * 1000,
    allPerSecond: ((count + prompts) / milliseconds) * 1000,
  };
}

function percentiles(histogram: RecordableHistogram): Percentiles {
  return {
    p50: percentile(histogram, 50),
    p90: percentile(histogram, 90),
    p99: percentile(histogram, 99),
  };
}
