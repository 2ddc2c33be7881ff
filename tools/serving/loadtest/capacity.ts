import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "./histogram.ts";
import type { LoadResult } from "./open-loop.ts";
import { breaches, type Slo } from "./slo.ts";
import { type TokenStep, tokenStep } from "./token-times.ts";

/** The result of one arrival rate. */
export interface Step {
  /** Requests offered a second. */
  rate: number;
  /** Answered a second. */
  answered: number;
  /** Latency from the intended send time, milliseconds. */
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  mean: number;
  max: number;
  sent: number;
  failed: number;
  /** What of the objective it broke. */
  breaches: string[];
  /** p99 of how late the generator sent, milliseconds. */
  lateness: number;
  /** Of a language model. */
  tokens?: TokenStep | undefined;
}

interface SearchOptions {
  slo: Slo;
  /** First rate, requests a second. */
  from: number;
  /** No rate above this one is tried. */
  to: number;
  /** Each step's rate over the one before, until one breaks the objective. Above 1. */
  growth: number;
  /** The search ends when the highest rate that held and the lowest that did not are so near, as a share. */
  precision: number;
  /** Runs one rate. */
  run: (rate: number) => Promise<LoadResult>;
  onStep: (step: Step) => void;
  /** Lets what queued in a step that broke the objective pass. */
  pauseMs: number;
  signal?: AbortSignal | undefined;
}

export interface Capacity {
  /** Highest rate that held the objective, requests a second; 0 when none did. */
  rate: number;
  /** The step at that rate. */
  knee: Step | undefined;
  /** Whether the search came to its end; if not, `to` was reached, or the signal came. */
  isFound: boolean;
  /** All steps, in the order in which they ran. */
  steps: Step[];
}

/**
 * Finds the knee: the highest constant arrival rate that holds the objective. Rates grow step by step until
 * one breaks it; that one is run again, as any hiccup of a machine may break one, and what broke twice is too
 * much. Then the interval is halved until it is narrow enough.
 */
export async function findCapacity(options: SearchOptions): Promise<Capacity> {
  const { from, to, growth, precision, signal } = options;
  const steps: Step[] = [];
  let held: Step | undefined;
  let tooMuch = Number.POSITIVE_INFINITY;
  const holds = async (rate: number): Promise<boolean> => {
    for (let attempt = 0; attempt < 2 && !signal?.aborted; attempt++) {
      const result = await options.run(rate);
      if (signal?.aborted) break;
      const step = stepOf(rate, result, options.slo);
      steps.push(step);
      options.onStep(step);
      if (step.breaches.length === 0) {
        held = step;
        return true;
      }
      await sleep(options.pauseMs);
    }
    return false;
  };
  for (let rate = Math.min(from, to); !signal?.aborted; rate = Math.min(rate * growth, to)) {
    if (!(await holds(rate))) {
      tooMuch = rate;
      break;
    }
    if (rate >= to) break;
  }
  while (!signal?.aborted && Number.isFinite(tooMuch)) {
    const low = held?.rate ?? 0;
    if (tooMuch - low <= precision * tooMuch) break;
    const rate = (low + tooMuch) / 2;
    if (rate < 1) break;
    if (!(await holds(rate))) tooMuch = rate;
  }
  return { rate: held?.rate ?? 0, knee: held, isFound: Number.isFinite(tooMuch) && !signal?.aborted, steps };
}

export function stepOf(rate: number, result: LoadResult, slo: Slo): Step {
  const { latencies, lateness, sent, failed, milliseconds } = result;
  return {
    ...{ rate, sent, failed, answered: ((sent - failed) / milliseconds) * 1000 },
    ...{ p50: percentile(latencies, 50), p90: percentile(latencies, 90), p99: percentile(latencies, 99) },
    p999: percentile(latencies, 99.9),
    mean: latencies.count === 0 ? 0 : latencies.mean / 1000,
    max: latencies.count === 0 ? 0 : latencies.max / 1000,
    breaches: breaches(slo, result),
    lateness: percentile(lateness, 99),
    tokens: tokenStep(result.tokens, milliseconds),
  };
}

/** Requests under way on average at a step, by Little's law. */
export function inFlightAt({ answered, mean }: Step): number {
  return (answered * mean) / 1000;
}
