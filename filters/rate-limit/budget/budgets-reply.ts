import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { JsonScanner } from "../../sdk/bytes/json-scanner";
import { PriceReply } from "./price-reply";

const ACCOUNTS = bytes("accounts");
const PRICES = bytes("prices");
const LEASE = bytes("lease");
const GRANTED = bytes("granted");
const KEEP = bytes("keep");
const ENDS_IN = bytes("endsInMs");
const LIMIT = bytes("limit");
const REMAINING = bytes("remaining");
const WARNED = bytes("warned");
const CLOSED = bytes("closed");

/** 2^53: beyond, a number in JSON is not exact. */
const LARGEST: f64 = 9_007_199_254_740_992;
const LARGEST_PERCENT: f64 = 100;
const LONGEST_NAME: i32 = 256;
const MOST_ACCOUNTS: i32 = 20_000;
const MOST_CLOSED: i32 = 8;

/** What the controller says of one account; behind it lie the closed leases, u64 each, and the name. */
@unmanaged
export class AccountReply {
  lease: u64;
  granted: u64;
  keep: u64;
  endsInMs: u64;
  limit: i64;
  remaining: i64;
  warned: u32;
  isUnknown: u32;
  closedCount: i32;
  nameLen: i32;

  closed(index: i32): u64 {
    return load<u64>(changetype<usize>(this) + SIZE + ((<usize>index) << 3));
  }

  get name(): usize {
    return changetype<usize>(this) + SIZE + ((<usize>this.closedCount) << 3);
  }

  get next(): usize {
    // Numbers stand at places that are whole multiples of theirs.
    return (this.name + this.nameLen + 7) & ~7;
  }
}

const SIZE: usize = offsetof<AccountReply>();

/** The field `budgets` of the controller's answer: JSON -> records. */
export class BudgetsReply {
  /** The records, of `AccountReply`. */
  readonly accounts: ByteBuffer = new ByteBuffer();
  readonly prices: PriceReply = new PriceReply();
  private count: i32 = 0;
  private readonly key: ByteBuffer = new ByteBuffer();
  private readonly name: ByteBuffer = new ByteBuffer();
  private readonly closed: ByteBuffer = new ByteBuffer();

  clear(): void {
    this.accounts.clear();
    this.prices.clear();
    this.count = 0;
  }

  /** Takes the field's value. What is not what the protocol says makes the text void. */
  read(json: JsonScanner): void {
    json.enterObject();
    while (json.nextMember(this.key)) {
      if (this.keyIs(ACCOUNTS)) this.readAccounts(json);
      else if (this.keyIs(PRICES)) this.prices.read(json);
      else json.skip();
    }
  }

  /** Gives the memory back. */
  free(): void {
    this.accounts.free();
    this.prices.free();
    this.key.free();
    this.name.free();
    this.closed.free();
  }

  private keyIs(name: Bytes): bool {
    return name.equals(this.key.ptr, this.key.len);
  }

  private readAccounts(json: JsonScanner): void {
    json.enterObject();
    while (json.nextMember(this.name)) {
      if (this.name.len == 0 || this.name.len > LONGEST_NAME || ++this.count > MOST_ACCOUNTS) json.fail();
      else this.readAccount(json);
    }
  }

  private readAccount(json: JsonScanner): void {
    const out = this.accounts;
    const at = out.len;
    out.reserve(<i32>SIZE);
    memory.fill(out.end, 0, SIZE);
    out.len += <i32>SIZE;
    this.closed.clear();
    const account = changetype<AccountReply>(out.ptr + at);
    if (json.takeNull()) account.isUnknown = 1;
    else this.readFields(json, account);
    account.nameLen = this.name.len;
    account.closedCount = this.closed.len >> 3;
    // The buffer moves when it grows: `account` is void from here on.
    out.append(this.closed.ptr, this.closed.len);
    out.append(this.name.ptr, this.name.len);
    while ((out.len & 7) != 0) out.appendByte(0);
  }

  private readFields(json: JsonScanner, account: AccountReply): void {
    json.enterObject();
    while (json.nextMember(this.key)) {
      if (this.keyIs(LEASE)) account.lease = <u64>wholeNumber(json, 0, LARGEST);
      else if (this.keyIs(GRANTED)) account.granted = <u64>wholeNumber(json, 0, LARGEST);
      else if (this.keyIs(KEEP)) account.keep = <u64>wholeNumber(json, 0, LARGEST);
      else if (this.keyIs(ENDS_IN)) account.endsInMs = <u64>wholeNumber(json, 0, LARGEST);
      else if (this.keyIs(LIMIT)) account.limit = <i64>wholeNumber(json, -LARGEST, LARGEST);
      else if (this.keyIs(REMAINING)) account.remaining = <i64>wholeNumber(json, -LARGEST, LARGEST);
      else if (this.keyIs(WARNED)) account.warned = <u32>wholeNumber(json, 0, LARGEST_PERCENT);
      else if (this.keyIs(CLOSED)) this.readClosed(json);
      else json.skip();
    }
  }

  private readClosed(json: JsonScanner): void {
    json.enterArray();
    while (json.nextElement()) {
      const lease = <u64>wholeNumber(json, 0, LARGEST);
      if (this.closed.len >= MOST_CLOSED << 3) {
        json.fail();
        return;
      }
      this.closed.reserve(8);
      store<u64>(this.closed.end, lease);
      this.closed.len += 8;
    }
  }
}

/** A whole number within bounds, or the text is void. */
function wholeNumber(json: JsonScanner, least: f64, most: f64): f64 {
  const number = json.number();
  if (number >= least && number <= most && Math.floor(number) == number) return number;
  json.fail();
  return 0;
}
