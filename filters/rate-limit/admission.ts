import { HttpContext } from "../sdk/pipeline/http-context";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { StreamState } from "../sdk/pipeline/stream-state";
import { bodySize } from "./body-size";
import { NamedLimit } from "./named-limit";
import { now } from "./now";
import { Share } from "./share";
import { Shares } from "./shares";

const NANOS_PER_MICROSECOND: u64 = 1000;

/** What rate-limit keeps of a stream until it ends. Pooled. */
export class Admission extends StreamState {
  /** The task whose requests in flight this stream is one of, once it is `begun`. */
  task: NamedLimit | null = null;
  /** The request is whole, or its model answers already: the task has it in flight. */
  begun: bool = false;
  /** What its credential has in flight of the task; null where that has no bound. */
  share: Share | null = null;
  /** It has a permit of the task's concurrency limit. */
  permit: bool = false;
  /** When it began (nanoseconds), if its latency is measured; else 0. */
  since: u64 = 0;
  measured: bool = false;
  /** Its cost was charged at a guess: what its body turns out to cost is to be settled with these. */
  settle: bool = false;
  tenant: NamedLimit | null = null;
  credential: NamedLimit | null = null;

  /** The limit of which it waits for a token, until `deadline` (nanoseconds); null when it waits for none. */
  awaited: NamedLimit | null = null;
  deadline: u64 = 0;

  /** The task has the request in flight from now on. */
  begin(permit: bool): void {
    this.begun = true;
    this.permit = permit;
    const task = this.task;
    if (task == null) return;
    task.counters.inFlight++;
    if (this.measured) this.since = now();
  }

  /** The stream is over: what it held is free, what it cost is settled. */
  finish(http: HttpContext, shares: Shares): void {
    const share = this.share;
    if (share != null) shares.leave(share);
    const task = this.task;
    if (task != null && this.begun) {
      task.counters.inFlight--;
      if (this.since != 0 && !http.replied) {
        const latencyMicros = (now() - this.since) / NANOS_PER_MICROSECOND;
        task.counters.latencyMicros += latencyMicros;
        task.counters.measured++;
        if (this.permit) task.concurrency!.measure(<f64>latencyMicros);
      }
      if (this.permit) task.concurrency!.leave();
    }
    if (!this.settle) return;
    const size = bodySize();
    settle(task, size);
    settle(this.tenant, size);
    settle(this.credential, size);
  }

  release(): void {
    this.task = null;
    this.share = null;
    this.begun = false;
    this.tenant = null;
    this.credential = null;
    this.permit = false;
    this.since = 0;
    this.measured = false;
    this.settle = false;
    this.awaited = null;
    pool.release(this);
  }
}

const pool: StreamPool<Admission> = new StreamPool<Admission>();

export function takeAdmission(): Admission {
  return pool.take();
}

/** Charges what the body cost beyond the guess; a bucket may go into debt by it. */
function settle(limit: NamedLimit | null, size: f64): void {
  if (limit == null || !limit.active || !limit.cost.bySize) return;
  limit.refund(limit.cost.guess - limit.cost.ofSize(size));
}

/** Was the request charged less or more than its body will turn out to cost? */
export function isGuess(limit: NamedLimit | null, http: HttpContext): bool {
  return (
    limit != null && limit.active && limit.flatCost < 0 && limit.cost.guessed(http) && limit.counts(http)
  );
}
