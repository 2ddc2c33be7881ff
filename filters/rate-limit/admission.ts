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
}

const pool: Admission[] = [];

export function newAdmission(): Admission {
  return pool.length > 0 ? pool.pop() : new Admission();
}

export function endAdmission(admission: Admission): void {
  admission.task = null;
  admission.tenant = null;
  admission.credential = null;
  admission.permit = false;
  admission.since = 0;
  admission.settle = false;
  admission.awaited = null;
  pool.push(admission);
}
