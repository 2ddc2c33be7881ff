import { setTimeout as sleep } from "node:timers/promises";
import {
  ANSWER_TIMEOUT_MS,
  type Connection,
  NotAnswered,
  type PreparedRequest,
} from "../model-client/connection.ts";
import { connectFor } from "../model-client/prepare.ts";

const RETRY_MS = 100;

export interface WarmUpPlan {
  /** Answers needed. */
  requests: number;
  concurrency: number;
  /** For all of it, milliseconds. */
  timeoutMs: number;
  /** Answers in a row, each within so many milliseconds, that are needed beside `requests`. */
  success?: { consecutive: number; latencyMs: number } | undefined;
}

export interface WarmUpTarget {
  /** `http://host:port` of the model server. */
  origin: string;
  /**
   * Makes the requests ready; tried again while the server has no answer.
   * @param timeoutMs for each of its answers
   */
  prepare(timeoutMs: number): Promise<PreparedRequest[]>;
}

interface WarmUpResult {
  warm: boolean;
  /** Why it is not; empty when it is. */
  reason: string;
  answered: number;
  failed: number;
  milliseconds: number;
  /** Of the first and the last answer, milliseconds. */
  firstLatencyMs: number;
  lastLatencyMs: number;
}

/**
 * Sends warm-up requests until the plan is fulfilled. A server that is not there yet, or says that it can't
 * answer yet, is asked again; a request that it will never take (INVALID_ARGUMENT, HTTP 400) ends the warm-up
 * at once.
 */
export async function warmUp(
  plan: WarmUpPlan,
  target: WarmUpTarget,
  signal?: AbortSignal,
): Promise<WarmUpResult> {
  const run = new Run(plan, target, signal);
  await run.start();
  return run.result();
}

class Run {
  private readonly plan: WarmUpPlan;
  private readonly target: WarmUpTarget;
  private readonly signal: AbortSignal | undefined;
  private readonly started = performance.now();
  private sent = 0;
  private answered = 0;
  private failed = 0;
  private streak = 0;
  private firstLatencyMs = 0;
  private lastLatencyMs = 0;
  /** Why requests fail now, and whether they always will. */
  private reason = "";
  private isHopeless = false;

  constructor(plan: WarmUpPlan, target: WarmUpTarget, signal?: AbortSignal) {
    this.plan = plan;
    this.target = target;
    this.signal = signal;
  }

  async start(): Promise<void> {
    if (this.isWarm) return;
    const requests = await this.prepared();
    if (!requests) return;
    const connection = connectFor(requests, this.target.origin);
    const leave = () => connection.close();
    this.signal?.addEventListener("abort", leave, { once: true });
    try {
      await Promise.all(Array.from({ length: this.plan.concurrency }, () => this.work(requests, connection)));
    } finally {
      this.signal?.removeEventListener("abort", leave);
      connection.close();
    }
  }

  result(): WarmUpResult {
    const { answered, failed, firstLatencyMs, lastLatencyMs, isWarm } = this;
    const milliseconds = performance.now() - this.started;
    return {
      warm: isWarm,
      reason: isWarm ? "" : this.whyNot(),
      answered,
      failed,
      milliseconds,
      firstLatencyMs,
      lastLatencyMs,
    };
  }

  private get isWarm(): boolean {
    const { requests, success } = this.plan;
    return this.answered >= requests && this.streak >= (success?.consecutive ?? 0);
  }

  private get remaining(): number {
    return this.plan.timeoutMs - (performance.now() - this.started);
  }

  private get isOver(): boolean {
    return this.isWarm || this.isHopeless || this.remaining <= 0 || (this.signal?.aborted ?? false);
  }

  private whyNot(): string {
    const { requests, timeoutMs, success } = this.plan;
    if (this.isHopeless) return this.reason;
    const criterion = success
      ? `, ${this.streak} of ${success.consecutive} in a row within ${success.latencyMs} ms`
      : "";
    const last = this.reason ? `; last failure: ${this.reason}` : "";
    return `not warm after ${timeoutMs / 1000} s: ${this.answered} of ${requests} requests answered${criterion}${last}`;
  }

  private async prepared(): Promise<PreparedRequest[] | undefined> {
    while (!this.isOver) {
      try {
        return await this.target.prepare(Math.min(ANSWER_TIMEOUT_MS, this.remaining));
      } catch (error) {
        this.reason = error instanceof Error ? error.message : String(error);
        this.isHopeless = !(error instanceof NotAnswered && error.mayPass);
        if (!this.isHopeless) await sleep(RETRY_MS);
      }
    }
    return undefined;
  }

  private async work(requests: PreparedRequest[], connection: Connection): Promise<void> {
    while (!this.isOver) {
      const request = requests[this.sent++ % requests.length] as PreparedRequest;
      const begun = performance.now();
      const outcome = await connection.send(request, this.remaining);
      const latencyMs = performance.now() - begun;
      if (outcome.ok) {
        if (this.answered++ === 0) this.firstLatencyMs = latencyMs;
        this.lastLatencyMs = latencyMs;
        this.streak =
          latencyMs <= (this.plan.success?.latencyMs ?? Number.POSITIVE_INFINITY) ? this.streak + 1 : 0;
        continue;
      }
      this.failed++;
      this.streak = 0;
      this.reason = `${request.path}: ${outcome.reason}`;
      this.isHopeless ||= !outcome.mayPass;
      if (!this.isOver) await sleep(RETRY_MS);
    }
  }
}
