import { RESULT } from "./arena";
import { clock_time_get } from "./wasi_snapshot_preview1";

/** Nanoseconds of the monotonic clock: the same one in each VM of the Envoy process, never set back. */
export function monotonicNanos(): u64 {
  clock_time_get(1, 0, RESULT);
  return load<u64>(RESULT);
}

/** Nanoseconds since 1970-01-01T00:00Z. */
export function wallNanos(): u64 {
  clock_time_get(0, 0, RESULT);
  return load<u64>(RESULT);
}

let coarse: i64 = 0;

/** Seconds since 1970-01-01T00:00Z as of the last tick: a second old at most, and no host call. */
export function coarseSeconds(): i64 {
  return coarse;
}

/** Called at each tick, and before a plug-in is configured. */
export function updateCoarseClock(): void {
  coarse = <i64>(wallNanos() / 1_000_000_000);
}
