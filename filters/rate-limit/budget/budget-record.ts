/**
 * What the VMs of a process know of one account of a budget, in shared data. Amounts are whole: tokens, or
 * micro-units of a currency. The sums of a lease are those of the protocol
 * (tools/servers/budgets/protocol.ts).
 */
@unmanaged
export class BudgetRecord {
  /** The lease that is spent from, 0 for none. */
  lease: u64;
  granted: u64;
  spent: u64;
  returned: u64;
  /** Reserved by requests under way. */
  held: i64;
  /** Monotonic nanoseconds at which the period ends; 0 before the controller said anything. */
  endsAt: u64;
  /** The lease before, which is reported until it is closed; 0 for none. */
  previous: u64;
  previousSpent: u64;
  previousHeld: i64;
  /** Spent while there was no lease: the next one pays. */
  unleased: u64;
  /** What this process wants to have in hand, until the next report. */
  wanted: u64;
  /** As the controller said last: the whole, */
  limit: i64;
  /** what is not spent of it, with what all gateways have in hand, */
  remaining: i64;
  /** and what was spent of the lease by then. */
  spentThen: u64;
  /** Percentage of which the controller warned last. */
  warned: u32;
  /** 1: the controller knows no such account. */
  isUnknown: u32;
  /** Monotonic nanoseconds of the last request that touched it, or the first reply. */
  usedAt: u64;
  /** 1: it is among the accounts that are reported (budget-names.ts). */
  isListed: u64;

  /** What may be spent now: below 0 after answers that were longer than what they reserved. */
  @inline
  get left(): i64 {
    return <i64>this.granted - <i64>this.spent - <i64>this.returned - this.held;
  }

  /** Charges the lease; without one it is kept for the next. */
  @inline
  charge(amount: u64): void {
    if (this.lease == 0) this.unleased += amount;
    else this.spent += amount;
  }
}

export const BUDGET_RECORD_SIZE: i32 = <i32>offsetof<BudgetRecord>();
