import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { getSharedAt, setSharedAt, sharedValue, sharedVersion } from "../../sdk/host/shared-data";
import { listBudget } from "./budget-names";
import { BUDGET_RECORD_SIZE, BudgetRecord } from "./budget-record";

/** Another VM wins a race at most this often in a row. */
const ATTEMPTS: i32 = 256;

/** Why nothing was taken. */
export enum BudgetRefusal {
  NONE,
  /** The controller has not said anything yet: there may be some in a second. */
  UNKNOWN,
  /** There is some, but not in this process: it has asked for it, and may have it in a second. */
  SHORT,
  /** There is not so much left in this period. */
  SPENT,
}

const record: BudgetRecord = changetype<BudgetRecord>(memory.data(256));

/**
 * What a process may spend of each account of its tenant's budgets. All of it lies in shared data, so that
 * every VM takes from the same leases. `open` chooses the account that the other methods are about.
 *
 *     book.open(name, nameLen);
 *     const lease = book.take(estimate, now);    // 0: see `refusal`
 *     book.open(name, nameLen);
 *     book.spend(lease, estimate, used, now);    // or giveBack(lease, estimate, now)
 */
export class BudgetBook {
  /** Why the last `take` took nothing. */
  refusal: BudgetRefusal = BudgetRefusal.NONE;
  private readonly key: ByteBuffer = new ByteBuffer();
  private readonly prefixLen: i32;

  /** @param gateway `namespace/name`, as in reports */
  constructor(private readonly gateway: string) {
    this.key.appendBytes(bytes(`modelgate.budget.${gateway}.`));
    this.prefixLen = this.key.len;
  }

  /** Chooses an account by its name in the protocol, such as `monthly` or `monthly/alice`. */
  open(name: usize, len: i32): void {
    this.key.len = this.prefixLen;
    this.key.append(name, len);
  }

  /** What may be spent at once, without asking the controller. */
  left(now: u64): u64 {
    this.read();
    return record.lease == 0 || now >= record.endsAt ? 0 : <u64>max<i64>(record.left, 0);
  }

  /** What is left of the whole in this period, as the controller said, less what was spent here since. */
  get remaining(): i64 {
    this.read();
    return record.remaining - <i64>(record.spent - record.spentThen);
  }

  /** The whole in this period. */
  get limit(): i64 {
    this.read();
    return record.limit;
  }

  /** The percentage of which the controller warned last, 0 for none. */
  get warned(): u32 {
    this.read();
    return record.warned;
  }

  /** Nanoseconds until the period ends, 0 when it is not known. */
  periodLeft(now: u64): u64 {
    this.read();
    return record.endsAt > now ? record.endsAt - now : 0;
  }

  /**
   * Reserves an amount.
   * @returns the lease that it is of, for `spend` and `giveBack`; 0 when there is not so much, see `refusal`
   */
  take(amount: u64, now: u64): u64 {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const version = this.read();
      const hasEnough = record.lease != 0 && now < record.endsAt && record.left >= <i64>amount;
      this.refusal = hasEnough ? BudgetRefusal.NONE : this.why(amount, now);
      record.usedAt = now;
      if (hasEnough) record.held += <i64>amount;
      record.wanted += amount;
      const lease = hasEnough ? record.lease : 0;
      if (this.write(version)) return lease;
    }
    this.refusal = BudgetRefusal.SHORT;
    return 0;
  }

  /** Why the amount could not be taken, by what was read last. */
  why(amount: u64, now: u64): BudgetRefusal {
    if (record.isUnknown != 0 || record.endsAt == 0 || now >= record.endsAt) return BudgetRefusal.UNKNOWN;
    const remaining = record.remaining - <i64>(record.spent - record.spentThen);
    return remaining < <i64>amount ? BudgetRefusal.SPENT : BudgetRefusal.SHORT;
  }

  /** A request that reserved an amount spent none of it. */
  giveBack(lease: u64, reserved: u64, now: u64): void {
    this.spend(lease, reserved, 0, now);
  }

  /**
   * A request ends that reserved an amount and spent another, which may be more. With the lease 0 it had
   * reserved nothing: what it spent is charged, and may go beyond the budget.
   */
  spend(lease: u64, reserved: u64, amount: u64, now: u64): void {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const version = this.read();
      if (lease != 0 && lease == record.previous) {
        record.previousHeld -= <i64>reserved;
        record.previousSpent += amount;
      } else {
        if (lease != 0 && lease == record.lease) record.held -= <i64>reserved;
        // Of a lease that is forgotten, the present one pays.
        record.charge(amount);
        if (lease == 0) record.wanted += amount;
      }
      record.usedAt = now;
      if (this.write(version)) return;
    }
  }

  /** Reads the account's record, for who reports it or takes a reply. @returns its version */
  read(): u32 {
    const length = getSharedAt(this.key.ptr, this.key.len);
    if (length == BUDGET_RECORD_SIZE) memory.copy(changetype<usize>(record), sharedValue(), length);
    else memory.fill(changetype<usize>(record), 0, BUDGET_RECORD_SIZE);
    return sharedVersion();
  }

  /** What `read` has read, to be changed. */
  get record(): BudgetRecord {
    return record;
  }

  /**
   * Writes the record, which is reported from then on.
   * @returns false when another VM was first: read it again
   */
  write(version: u32): bool {
    const isListed = record.isListed;
    record.isListed = 1;
    if (!setSharedAt(this.key.ptr, this.key.len, changetype<usize>(record), BUDGET_RECORD_SIZE, version))
      return false;
    if (isListed == 0) listBudget(this.gateway, this.key.ptr + this.prefixLen, this.key.len - this.prefixLen);
    return true;
  }

  /** Empties the record: the account is not used any more. */
  forget(version: u32): bool {
    return setSharedAt(this.key.ptr, this.key.len, 0, 0, version);
  }

  /** Gives the memory back. */
  free(): void {
    this.key.free();
  }
}
