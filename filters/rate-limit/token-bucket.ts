import { calendar, SECONDS_A_DAY } from "./calendar";

/**
 * Token buckets over several windows at once (RFC 2697, section 3, counts tokens the same way). Their state
 * lies in memory, so that a host without objects can share it: u64 time of the last refill (nanoseconds,
 * monotonic), then the level of each window's bucket as f64. A level below 0 is a debt. NaN is a bucket that
 * was never used, so a full one. Those of a second, minute and hour fill all the time; that of a day or a
 * month is filled when the next one begins (UTC): behind the levels stand the u32 numbers of the day and
 * month that they are of.
 */

export const SECOND: i32 = 0;
export const MINUTE: i32 = 1;
export const HOUR: i32 = 2;
export const DAY: i32 = 3;
export const MONTH: i32 = 4;
export const WINDOWS: i32 = 5;
const DAY_OF_STATE: i32 = 8 + 8 * WINDOWS;
const MONTH_OF_STATE: i32 = DAY_OF_STATE + 4;
export const STATE_SIZE: i32 = MONTH_OF_STATE + 4;

/** Levels are sums of many small fractions: a bucket that lacks less than this has the token. */
const ROUNDING: f64 = 1e-6;
const NANOS_PER_SECOND: f64 = 1e9;

/** Length of a window in seconds; of a month the present one's. */
export function windowSeconds(window: i32): i64 {
  if (window == MONTH) {
    calendar.read();
    return calendar.monthSeconds;
  }
  return window == SECOND ? 1 : window == MINUTE ? 60 : window == HOUR ? 3600 : SECONDS_A_DAY;
}

/** Is the window's bucket filled at once, when the next one begins? */
function isOfCalendar(window: i32): bool {
  return window >= DAY;
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
    this.rates[window] = isOfCalendar(window) ? 0 : tokens / (NANOS_PER_SECOND * <f64>windowSeconds(window));
    this.bursts[window] = burst;
  }

  clear(window: i32): void {
    this.bursts[window] = -1;
  }

  limited(window: i32): bool {
    return this.bursts[window] >= 0;
  }

  get any(): bool {
    for (let w = 0; w < WINDOWS; w++) if (this.limited(w)) return true;
    return false;
  }

  /** Has it a bucket of a day or a month? */
  get hasCalendar(): bool {
    return this.limited(DAY) || this.limited(MONTH);
  }

  /** Tokens that come back in one window. */
  quota(window: i32): f64 {
    if (isOfCalendar(window)) return this.bursts[window];
    return this.rates[window] * NANOS_PER_SECOND * <f64>windowSeconds(window);
  }

  /** Tokens a second of the slowest bucket that fills all the time. */
  slowest(): f64 {
    let least = f64.MAX_VALUE;
    for (let w = 0; w < DAY; w++) if (this.limited(w)) least = min(least, this.rates[w] * NANOS_PER_SECOND);
    return least;
  }
}

/** Makes the state of full buckets. */
export function fill(state: usize): void {
  store<u64>(state, 0);
  for (let w = 0; w < WINDOWS; w++) store<f64>(levelAt(state, w), NaN);
  store<u64>(state + DAY_OF_STATE, 0);
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
  for (let w = 0; w < DAY; w++) {
    if (!windows.limited(w)) continue;
    const at = levelAt(state, w);
    const level = load<f64>(at);
    const burst = windows.bursts[w];
    store<f64>(at, isNaN(level) ? burst : min(burst, level + elapsedNanos * windows.rates[w]));
  }
  store<u64>(state, max(last, now));
  if (!windows.hasCalendar) return;
  calendar.read();
  fillIfNew(state, windows, DAY, DAY_OF_STATE, <u32>calendar.day);
  fillIfNew(state, windows, MONTH, MONTH_OF_STATE, <u32>calendar.month);
}

/** Fills the bucket of a day or a month when another one has begun; a clock that is set back begins none. */
function fillIfNew(state: usize, windows: Windows, window: i32, numberAt: i32, number: u32): void {
  if (!windows.limited(window)) return;
  const at = levelAt(state, window);
  const level = load<f64>(at);
  const burst = windows.bursts[window];
  if (number > load<u32>(state + numberAt)) {
    store<u32>(state + numberAt, number);
    store<f64>(at, level < 0 ? burst + level : burst);
  } else store<f64>(at, isNaN(level) ? burst : min(burst, level));
}

/** Nanoseconds until a bucket has `missing` more tokens; infinite when it never has. */
export function waitNanos(windows: Windows, window: i32, missing: f64): f64 {
  if (windows.bursts[window] == 0) return Infinity;
  if (window == DAY) return calendar.dayLeftNanos;
  if (window == MONTH) return calendar.monthLeftNanos;
  const rate = windows.rates[window];
  return rate > 0 ? missing / rate : Infinity;
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
      const wait = waitNanos(windows, w, missing);
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
