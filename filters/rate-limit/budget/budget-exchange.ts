import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";
import { randomId } from "../../sdk/host/random-id";
import { getShared, setShared, sharedValue, sharedVersion } from "../../sdk/host/shared-data";
import { BudgetBook } from "./budget-book";
import { readBudgetNames, unlistBudget } from "./budget-names";
import { BudgetRecord } from "./budget-record";
import { AccountReply, BudgetsReply } from "./budgets-reply";
import { appendPricesVersion, PriceTable, publishPrices } from "./price-table";

const INCARNATION = bytes("modelgate.incarnation");
const OPEN = bytes(',"budgets":{"incarnation":"');
const PRICES = bytes('","prices":"');
const ACCOUNTS = bytes('","accounts":{');
const WANTED = bytes(':{"wanted":');
const LEASES = bytes(',"leases":[');
const ID = bytes('{"id":');
const SPENT = bytes(',"spent":');
const RETURNED = bytes(',"returned":');
const FINAL = bytes(',"final":true}');
const CLOSE = bytes("}}");

const NANOS_PER_MILLISECOND: u64 = 1_000_000;
/** An account that nobody used for so long is not reported any more. */
const IDLE: u64 = 600_000_000_000;
const ATTEMPTS: i32 = 64;
const HEX_DIGITS: i32 = 16;

const own: usize = memory.data(8);

/** Reports what a process spent of budgets, and takes the controller's replies, for the VM that does so. */
export class BudgetExchange {
  /** As this VM knows them. */
  readonly prices: PriceTable = new PriceTable();
  private readonly book: BudgetBook;
  private readonly names: ByteBuffer = new ByteBuffer();
  /** Monotonic nanoseconds. */
  private sentAt: u64 = 0;

  constructor(private readonly gateway: string) {
    this.book = new BudgetBook(gateway);
  }

  /** Appends the field `budgets` to a report. */
  append(out: ByteBuffer, now: u64): void {
    this.sentAt = now;
    out.appendBytes(OPEN);
    appendHex(out, incarnation());
    out.appendBytes(PRICES);
    appendPricesVersion(out);
    out.appendBytes(ACCOUNTS);
    readBudgetNames(this.gateway, this.names);
    const names = this.names;
    let first = true;
    for (let at = names.ptr; at < names.end; ) {
      const len = <i32>load<u16>(at);
      if (this.takeWanted(at + 2, len, now)) {
        if (!first) out.appendByte(Char.COMMA);
        first = false;
        appendJsonString(out, at + 2, len, i32.MAX_VALUE);
        this.appendAccount(out);
      }
      at += 2 + len;
    }
    out.appendBytes(CLOSE);
  }

  /**
   * Reads an account's record; what it wants is wanted anew from now on.
   * @returns false for one that is idle
   */
  private takeWanted(name: usize, len: i32, now: u64): bool {
    const book = this.book;
    book.open(name, len);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const version = book.read();
      const record = book.record;
      const isIdle = now > record.usedAt && now - record.usedAt > IDLE && record.held <= 0;
      if (isIdle && record.lease == 0 && record.previous == 0 && record.unleased == 0) {
        if (!book.forget(version)) continue;
        unlistBudget(this.gateway, name, len);
        return false;
      }
      if (isIdle && record.lease != 0 && record.previous == 0) retireLease(book);
      const wanted = record.wanted;
      record.wanted = 0;
      if (!book.write(version)) continue;
      record.wanted = wanted;
      return true;
    }
    return false;
  }

  private appendAccount(out: ByteBuffer): void {
    const record = this.book.record;
    out.appendBytes(WANTED);
    // What requests under way hold is in hand, too; and demand may double.
    out.appendDecimal(record.wanted * 2 + <u64>max<i64>(record.held, 0));
    out.appendBytes(LEASES);
    if (record.previous != 0) {
      out.appendBytes(ID);
      out.appendDecimal(record.previous);
      out.appendBytes(SPENT);
      out.appendDecimal(record.previousSpent);
      if (record.previousHeld <= 0) out.appendBytes(FINAL);
      else out.appendByte(Char.CLOSE_BRACE);
      if (record.lease != 0) out.appendByte(Char.COMMA);
    }
    if (record.lease != 0) {
      out.appendBytes(ID);
      out.appendDecimal(record.lease);
      out.appendBytes(SPENT);
      out.appendDecimal(record.spent);
      out.appendBytes(RETURNED);
      out.appendDecimal(record.returned);
      out.appendByte(Char.CLOSE_BRACE);
    }
    out.appendByte(Char.CLOSE_BRACKET);
    out.appendByte(Char.CLOSE_BRACE);
  }

  /** Takes the reply to the last report. */
  apply(reply: BudgetsReply, now: u64): void {
    if (reply.prices.table.len > 0) publishPrices(reply.prices.table);
    const accounts = reply.accounts;
    for (let at = accounts.ptr; at < accounts.end; ) {
      const account = changetype<AccountReply>(at);
      this.applyOne(account, now);
      at = account.next;
    }
  }

  private applyOne(account: AccountReply, now: u64): void {
    const book = this.book;
    book.open(account.name, account.nameLen);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const version = book.read();
      const record = book.record;
      if (record.usedAt == 0) record.usedAt = now;
      for (let i = 0; i < account.closedCount; i++) closeLease(book, account.closed(i));
      record.isUnknown = account.isUnknown;
      // Numbers of leases grow: a smaller one is an old answer.
      if (account.isUnknown == 0 && (account.lease == 0 || account.lease >= record.lease)) {
        if (account.lease != record.lease) nextLease(book, account.lease);
        record.endsAt = this.sentAt + account.endsInMs * NANOS_PER_MILLISECOND;
        record.limit = account.limit;
        record.remaining = account.remaining;
        record.warned = account.warned;
        if (record.lease != 0) this.grant(account);
      }
      if (book.write(version)) return;
    }
  }

  /** Takes what is granted, and gives back what is more than there should be in hand. */
  private grant(account: AccountReply): void {
    const record = this.book.record;
    record.granted = max(record.granted, account.granted);
    record.spentThen = record.spent;
    const excess = min(record.left, record.left + record.held - <i64>account.keep);
    if (excess > 0) record.returned += <u64>excess;
  }

  /** Gives the memory back. */
  free(): void {
    this.book.free();
    this.names.free();
    this.prices.free();
  }
}

/** The lease is over: what is under way settles with it, and it is reported until it is closed. */
function retireLease(book: BudgetBook): void {
  const record = book.record;
  record.previous = record.lease;
  record.previousSpent = record.spent;
  record.previousHeld = record.held;
  dropLease(record);
}

function dropLease(record: BudgetRecord): void {
  record.lease = 0;
  record.granted = 0;
  record.spent = 0;
  record.returned = 0;
  record.held = 0;
  record.spentThen = 0;
}

/** @param lease 0: there is none for now */
function nextLease(book: BudgetBook, lease: u64): void {
  const record = book.record;
  if (record.lease != 0) retireLease(book);
  record.lease = lease;
  if (lease == 0) return;
  record.spent = record.unleased;
  record.unleased = 0;
}

/** The controller has written the lease down to its end, or does not know it. */
function closeLease(book: BudgetBook, lease: u64): void {
  const record = book.record;
  if (record.previous == lease && lease != 0) {
    record.previous = 0;
    record.previousSpent = 0;
    record.previousHeld = 0;
  }
  if (record.lease == lease) dropLease(record);
}

/** Of this Envoy process: the VM that asks first makes it. */
function incarnation(): u64 {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (getShared(INCARNATION) == 8) return load<u64>(sharedValue());
    store<u64>(own, randomId());
    setShared(INCARNATION, own, 8, sharedVersion());
  }
  return 0;
}

function appendHex(out: ByteBuffer, value: u64): void {
  for (let digit = HEX_DIGITS - 1; digit >= 0; digit--) {
    const nibble = <u8>((value >> ((<u64>digit) << 2)) & 15);
    out.appendByte(nibble < 10 ? Char._0 + nibble : Char.a + nibble - 10);
  }
}
