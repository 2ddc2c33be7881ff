/**
 * Token buckets over several windows at once (RFC 2697, section 3, counts tokens the same way). Their state
 * lies in memory, so that a host without objects can share it: u64 time of the last refill (nanoseconds,
 * monotonic), then the level of each window's bucket as f64. A level below 0 is a debt. NaN is a bucket that
 * was never used, so a full one.
 */

export const SECOND: i32 = 0;
export const MINUTE: i32 = 1;
export const HOUR: i32 = 2;
export const WINDOWS: i32 = 3;
export const STATE_SIZE: i32 = 8 + 8 * WINDOWS;

/** Levels are sums of many small fractions: a bucket that lacks less than this has the token. */
const ROUNDING: f64 = 1e-6;
const NANOS_PER_SECOND: f64 = 1e9;

/** Length of a window in seconds. */
export function windowSeconds(window: i32): i32 {
  return window == SECOND ? 1 : window == MINUTE ? 60 : 3600;
}

/** What the buckets of one limit hold and how fast they fill. */
export class Windows {
  /** Tokens a nanosecond. */
  readonly rates: StaticArray<f64> = new StaticArray<f64>(WINDOWS);
  /** What a full bucket holds; below 0: no limit in this window. */
  readonly bursts: StaticArray<f64> = new StaticArray<f64>(WINDOWS);

  constructor() {
    for (let w = 0; w < WINDOWS; w++) this.bursts[w] = -1;
  }

  /** @param tokens what the bucket gets back in the time of its window */
  set(window: i32, tokens: f64, burst: f64): void {
    this.rates[window] = tokens / (NANOS_PER_SECOND * windowSeconds(window));
    this.bursts[window] = burst;
  }

  clear(window: i32): void {
    this.bursts[window] = -1;
  }

  limited(window: i32): bool {
    return this.bursts[window] >= 0;
  }

  get any(): bool {
    return this.limited(SECOND) || this.limited(MINUTE) || this.limited(HOUR);
  }

  /** Tokens that come back in one window. */
  quota(window: i32): f64 {
    return this.rates[window] * NANOS_PER_SECOND * windowSeconds(window);
  }

  /** Tokens a second of the slowest bucket. */
  slowest(): f64 {
    let least = f64.MAX_VALUE;
    for (let w = 0; w < WINDOWS; w++)
      if (this.limited(w)) least = min(least, this.rates[w] * NANOS_PER_SECOND);
    return least;
  }
}

/** Makes the state of full buckets. */
export function fill(state: usize): void {
  store<u64>(state, 0);
  for (let w = 0; w < WINDOWS; w++) store<f64>(levelAt(state, w), NaN);
}

function levelAt(state: usize, window: i32): usize {
  return state + 8 + ((<usize>window) << 3);
}

export function levelOf(state: usize, window: i32): f64 {
  return load<f64>(levelAt(state, window));
}

/**
 * Lets the tokens come back that time has brought. A `now` before the last one (another thread's) brings
 * none.
 */
export function refill(state: usize, windows: Windows, now: u64): void {
  const last = load<u64>(state);
  const elapsedNanos: f64 = now > last ? <f64>(now - last) : 0;
  for (let w = 0; w < WINDOWS; w++) {
    if (!windows.limited(w)) continue;
    const at = levelAt(state, w);
    const level = load<f64>(at);
    const burst = windows.bursts[w];
    store<f64>(at, isNaN(level) ? burst : min(burst, level + elapsedNanos * windows.rates[w]));
  }
  store<u64>(state, max(last, now));
}

/** Why a `take` failed. */
class Shortage {
  /** Nanoseconds until it can succeed, infinite when it never can. */
  waitNanos: f64 = 0;
  /** The window that says so, and what its bucket holds. */
  window: i32 = 0;
  remaining: f64 = 0;
}

/** Of the last `take` that failed. */
export const shortage: Shortage = new Shortage();

/**
 * Takes `need` tokens from each bucket, and more, up to `wanted`, if they are to spare. A need beyond what a
 * bucket holds is served by a full bucket, and leaves a debt: no request is shut out for good, and the rate
 * still holds over time.
 * @param reserve part of each bucket, 0 to 1, that this request must leave to those of a higher priority
 * @param largestReserve the same for the lowest priority: more than `need` is taken only from what anybody
 *   may have
 * @returns how many tokens were taken; -1 when there are too few, see `shortage`
 */
export function take(
  state: usize,
  windows: Windows,
  need: f64,
  wanted: f64,
  reserve: f64,
  largestReserve: f64,
): f64 {
  let spare = wanted - need;
  shortage.waitNanos = 0;
  for (let w = 0; w < WINDOWS; w++) {
    if (!windows.limited(w)) continue;
    const burst = windows.bursts[w];
    const level = levelOf(state, w);
    const asked = min(need, burst);
    const missing = asked + reserve * (burst - asked) - level;
    if (missing > ROUNDING || burst == 0) {
      const rate = windows.rates[w];
      const wait = rate > 0 && burst > 0 ? missing / rate : Infinity;
      if (wait >= shortage.waitNanos) {
        shortage.waitNanos = wait;
        shortage.window = w;
        shortage.remaining = level;
      }
    }
    spare = min(spare, level - asked - largestReserve * (burst - asked));
  }
  if (shortage.waitNanos > 0) return -1;
  const taken = need + Math.floor(max(spare, 0));
  charge(state, windows, taken);
  return taken;
}

/** Takes tokens whether they are there or not; a negative number gives some back. */
export function charge(state: usize, windows: Windows, tokens: f64): void {
  for (let w = 0; w < WINDOWS; w++) {
    if (windows.limited(w)) store<f64>(levelAt(state, w), levelOf(state, w) - tokens);
  }
}
