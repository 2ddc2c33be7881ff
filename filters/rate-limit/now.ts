import { monotonicNanos } from "../sdk/host/clock";

/** The clock of one callback: read once, and only if somebody asks. */

let cached: u64 = 0;

/** To be called at the start of each callback. */
export function forgetTime(): void {
  cached = 0;
}

/** Nanoseconds of the monotonic clock. */
export function now(): u64 {
  if (cached == 0) cached = monotonicNanos();
  return cached;
}
