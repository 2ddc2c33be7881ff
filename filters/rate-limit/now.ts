import { monotonicNanos, wallNanos } from "../sdk/host/clock";

/** The clocks of one callback: each read once, and only if somebody asks. */

let cached: u64 = 0;
let cachedWall: u64 = 0;

/** To be called at the start of each callback. */
export function forgetTime(): void {
  cached = 0;
  cachedWall = 0;
}

/** Nanoseconds of the monotonic clock. */
export function now(): u64 {
  if (cached == 0) cached = monotonicNanos();
  return cached;
}

/** Nanoseconds since 1970-01-01T00:00Z. */
export function wallNow(): u64 {
  if (cachedWall == 0) cachedWall = wallNanos();
  return cachedWall;
}
