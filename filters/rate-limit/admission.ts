import { StreamPool } from "../sdk/pipeline/stream-pool";
import { StreamState } from "../sdk/pipeline/stream-state";
import { NamedLimit } from "./named-limit";

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
