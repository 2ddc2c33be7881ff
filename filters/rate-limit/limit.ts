import { Bytes } from "../sdk/bytes/bytes";
import { HttpContext } from "../sdk/pipeline/http-context";
import { Cost } from "./cost";
import { Exempt } from "./exempt";
import { Lease, leaseCap } from "./lease";
import { now } from "./now";
import { RateLimited } from "./rate-limited";
import { shortage, Windows } from "./token-bucket";

export enum Mode {
  Enforce,
  /** Decides, says so in the log, and lets through. */
  DryRun,
  Off,
}

/** A bucket that was found empty is not asked again for this long (nanoseconds), or until a token comes. */
const LONGEST_REST: f64 = 2_000_000;

/** A limit on something that requests have in common, and how this VM gets tokens for it. */
export abstract class Limit {
  readonly windows: Windows = new Windows();
  cost: Cost = new Cost();
  /** Requests that it does not count; null: it counts all. */
  exempt: Exempt | null = null;
  mode: Mode = Mode.Enforce;
  protected cap: f64 = 1;

  /** @param reply the answer to a request that is over this limit */
  constructor(
    readonly name: Bytes,
    readonly reply: RateLimited,
  ) {}

  /** Is there anything to check? As of the last `share`. */
  active: bool = false;
  /** What every request costs; below 0 when requests differ. */
  flatCost: f64 = 1;

  /** Does it count this request? */
  counts(http: HttpContext): bool {
    const exempt = this.exempt;
    return this.active && (exempt == null || !exempt.has(http));
  }

  /** `take` of token-bucket.ts on the bucket in shared data. */
  protected abstract takeShared(
    lease: Lease,
    at: u64,
    need: f64,
    wanted: f64,
    reserve: f64,
    largest: f64,
  ): f64;

  /** After a change of windows, or of the number of VMs that lease from the bucket. */
  share(vms: i32): void {
    this.active = this.mode != Mode.Off && this.windows.any;
    this.flatCost = this.cost.flat;
    this.cap = leaseCap(this.windows, vms);
  }

  /**
   * Takes `cost` tokens: from the lease, which costs no host call, else from the bucket.
   * @returns false when there are too few; `reply` then knows for how long
   */
  protected takeBy(lease: Lease, cost: f64, reserve: f64, largestReserve: f64): bool {
    if (lease.spend(cost)) return true;
    const at = now();
    const need = cost - lease.held;
    if (at < lease.emptyUntil && need >= lease.emptyNeed && reserve >= lease.emptyReserve) {
      this.reply.describe(this.windows, lease.emptyWindow, lease.emptyRemaining, lease.tokenAt - <f64>at);
      return false;
    }
    const taken = this.takeShared(lease, at, need, lease.wanted(need, this.cap), reserve, largestReserve);
    if (taken >= 0) {
      lease.emptyUntil = 0;
      lease.extend(taken, cost);
      return true;
    }
    lease.emptyUntil = at + <u64>min(shortage.waitNanos, LONGEST_REST);
    lease.emptyNeed = need;
    lease.emptyReserve = reserve;
    lease.emptyWindow = shortage.window;
    lease.emptyRemaining = shortage.remaining;
    lease.tokenAt = <f64>at + shortage.waitNanos;
    this.reply.describe(this.windows, shortage.window, shortage.remaining, shortage.waitNanos);
    return false;
  }
}
