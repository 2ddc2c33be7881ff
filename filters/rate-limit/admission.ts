import { HttpContext } from "../sdk/pipeline/http-context";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { StreamState } from "../sdk/pipeline/stream-state";
import { bodySize } from "./body-size";
import { NamedLimit } from "./named-limit";
import { now } from "./now";

const NANOS_PER_MICROSECOND: u64 = 1000;

/** What rate-limit keeps of a stream until it ends. Pooled. */
export class Admission extends StreamState {
  /** The task whose requests in flight this stream is one of. */
  task: NamedLimit | null = null;
  /** It has a permit of the task's concurrency limit. */
  permit: bool = false;
  /** When it was admitted (nanoseconds), if its latency is measured; else 0. */
  since: u64 = 0;
  /** Its cost was charged at a guess: what its body turns out to cost is to be settled with these. */
  settle: bool = false;
  tenant: NamedLimit | null = null;
  credential: NamedLimit | null = null;

  /** The limit of which it waits for a token, until `deadline` (nanoseconds); null when it waits for none. */
  awaited: NamedLimit | null = null;
  deadline: u64 = 0;

  /** The stream is over: what it held is free, what it cost is settled. */
  finish(http: HttpContext): void {
    const task = this.task;
    if (task != null) {
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
    this.tenant = null;
    this.credential = null;
    this.permit = false;
    this.since = 0;
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
