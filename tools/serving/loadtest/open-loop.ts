import type { RecordableHistogram } from "node:perf_hooks";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { Connection, PreparedRequest } from "../model-client/connection.ts";
import { latencyHistogram, record } from "./histogram.ts";
import { recordTokens, type TokenTimes, tokenTimes } from "./token-times.ts";

interface OpenLoop {
  connection: Connection;
  requests: PreparedRequest[];
  /** When each request is to be sent, milliseconds since the start, rising. */
  schedule: Iterable<number>;
  /** For each request, milliseconds. */
  timeoutMs: number;
  /** Ends the sending before. */
  signal?: AbortSignal | undefined;
  /** Called for each request when it has ended. */
  onEnd?: (sample: Sample) => void;
}

export interface Sample {
  /** When it was to be sent, milliseconds since the start. */
  intended: number;
  /** From then to the whole answer, milliseconds. */
  latencyMs: number;
  ok: boolean;
  reason: string;
}

/** What came of a run. */
export interface LoadResult {
  sent: number;
  failed: number;
  /**
   * From when each answered request was to be sent to its whole answer: HdrHistogram, microseconds, 3
   * figures.
   */
  latencies: RecordableHistogram;
  /** How late the generator itself sent each request: HdrHistogram, microseconds. */
  lateness: RecordableHistogram;
  /** From the first send to the last answer, milliseconds. */
  milliseconds: number;
  /** How many failed, by what was wrong. */
  failures: Map<string, number>;
  /** Of answers of language models. */
  tokens: TokenTimes;
}

/**
 * Sends requests on schedule whatever the answers (an open loop), and measures each from the moment when it
 * was to be sent: a server that stalls is charged for all requests that came meanwhile, not for one (no
 * coordinated omission).
 * @see Gil Tene, "How NOT to Measure Latency"; https://github.com/giltene/wrk2
 */
export async function openLoop(load: OpenLoop): Promise<LoadResult> {
  const { connection, requests, schedule, timeoutMs, signal, onEnd } = load;
  const result: LoadResult = {
    ...{ sent: 0, failed: 0, milliseconds: 0, failures: new Map<string, number>() },
    ...{ latencies: latencyHistogram(), lateness: latencyHistogram(), tokens: tokenTimes() },
  };
  const start = performance.now();
  let ended = 0;
  let onLast: () => void = () => {};
  const send = (intended: number) => {
    const request = requests[result.sent++ % requests.length] as PreparedRequest;
    record(result.lateness, performance.now() - start - intended);
    connection.send(request, timeoutMs).then(({ ok, reason, tokens }) => {
      const latencyMs = performance.now() - start - intended;
      if (ok) {
        record(result.latencies, latencyMs);
        if (tokens) recordTokens(result.tokens, tokens, start + intended);
      } else {
        result.failed++;
        result.failures.set(reason, (result.failures.get(reason) ?? 0) + 1);
      }
      onEnd?.({ intended, latencyMs, ok, reason });
      if (++ended === result.sent) onLast();
    });
  };
  for (const intended of schedule) {
    for (let wait = 1; wait > 0 && !signal?.aborted; ) {
      wait = intended - (performance.now() - start);
      if (wait > 0) await pause(wait);
    }
    if (signal?.aborted) break;
    send(intended);
  }
  if (ended < result.sent)
    await new Promise<void>((resolve) => {
      onLast = resolve;
    });
  result.milliseconds = performance.now() - start;
  return result;
}

/** Timers are late by up to this, milliseconds. */
const TIMER_SLACK_MS = 2;
const NAP_MS = 0.05;
const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * Waits for so many milliseconds at most, most of them by a timer; the last ones in naps between which
 * answers are read, so that a request goes out within a tenth of a millisecond of its time and the core is
 * not kept busy.
 */
async function pause(milliseconds: number): Promise<void> {
  if (milliseconds > TIMER_SLACK_MS) return sleep(milliseconds - TIMER_SLACK_MS);
  await turn();
  Atomics.wait(never, 0, 0, Math.min(milliseconds, NAP_MS));
}

/** Times of a constant arrival rate, milliseconds. @param perSecond requests */
export function* constantRate(perSecond: number, seconds: number): Generator<number> {
  const count = Math.max(1, Math.round(perSecond * seconds));
  for (let i = 0; i < count; i++) yield (i * 1000) / perSecond;
}
