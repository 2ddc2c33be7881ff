/**
 * The generic cell rate algorithm (ITU-T I.371, annex A, virtual scheduling): a token bucket whose whole state is one
 * time, the theoretical arrival time (TAT) of the next token. Times are nanoseconds of the monotonic clock.
 */

/**
 * Takes up to `wanted` tokens.
 * @param tat state of the bucket; 0 for a full one
 * @param now the present time
 * @param interval nanoseconds a token takes to come back
 * @param burst how many tokens a full bucket holds
 * @returns how many tokens there were, 0 to `wanted`; the new state is `tat + taken * interval`, counted from `now`
 *   when `tat` lies in the past: see `advance`
 */
export function available(tat: u64, now: u64, interval: u64, burst: u64, wanted: u64): u64 {
  const used = tat > now ? tat - now : 0;
  const size = interval * burst;
  return used >= size ? 0 : min(wanted, (size - used) / interval);
}

/** State of the bucket after `taken` tokens. */
export function advance(tat: u64, now: u64, interval: u64, taken: u64): u64 {
  return max(tat, now) + taken * interval;
}
