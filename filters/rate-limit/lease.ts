import { Windows } from "./token-bucket";

/** All VMs together hold at most this part of a second's tokens; see `leaseCap`. */
const HELD_PART: f64 = 0.01;

/** Half of the first lease. */
const FEWEST: f64 = 4;

/**
 * Largest lease from a bucket. A VM holds less than that beyond the token it leases for, so `vms` of them
 * hold at most 1 % of what the bucket gives in a second: that is how far the sum over any window can be off.
 */
export function leaseCap(windows: Windows, vms: i32): f64 {
  // What is leased in one day is not to be spent in the next.
  if (windows.hasCalendar) return 1;
  return 1 + Math.floor((HELD_PART * windows.slowest()) / vms);
}

/**
 * Tokens that a VM took from a bucket ahead of the requests that spend them. The next lease is twice the last
 * one as long as they are used up within a tick, so its size follows the rate that this VM sees.
 */
export class Lease {
  /** Below 0: a debt, which the next lease or the next tick pays. */
  held: f64 = 0;
  private size: f64 = FEWEST;
  private used: f64 = 0;
  /** Until then (nanoseconds) a request like the last refused one is refused without asking the bucket. */
  emptyUntil: u64 = 0;
  emptyNeed: f64 = 0;
  emptyReserve: f64 = 0;
  /** Which window refused it, what was left, and when there will be enough (nanoseconds). */
  emptyWindow: i32 = 0;
  emptyRemaining: f64 = 0;
  tokenAt: f64 = 0;

  spend(cost: f64): bool {
    if (this.held < cost) return false;
    this.held -= cost;
    this.used += cost;
    return true;
  }

  /** How many tokens to ask the bucket for when `need` are missing. */
  wanted(need: f64, cap: f64): f64 {
    this.size = min(this.size * 2, cap);
    return max(need, this.size);
  }

  /** `taken` tokens came, and `cost` are spent at once. */
  extend(taken: f64, cost: f64): void {
    this.held += taken - cost;
    this.used += cost;
  }

  /** A request got no further: its tokens serve the next one. */
  refund(cost: f64): void {
    this.held += cost;
    this.used -= cost;
  }

  /**
   * @returns tokens to give back to the bucket: all when a tick went by without use; below 0 a debt to pay.
   */
  endTick(cap: f64): f64 {
    const idle = this.used <= 0;
    this.size = max(FEWEST, min(this.size, this.used));
    this.used = 0;
    let back: f64 = 0;
    if (this.held < 0 || idle) back = this.held;
    else if (this.held > cap) back = this.held - cap;
    this.held -= back;
    return back;
  }
}
