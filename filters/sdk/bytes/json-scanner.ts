import { ByteBuffer } from "./byte-buffer";
import { appendUnescaped, stringEnd } from "./json-string";

const MAX_DEPTH = 32;
/** 10^0 to 10^22 are exact in f64. */
const EXACT_POWER: i32 = 22;

/**
 * Reads JSON (RFC 8259) from front to end without making objects, for what comes while requests are served. Each method
 * takes one token; after the first one that does not fit, `failed` stays set and nothing more is taken.
 */
export class JsonScanner {
  failed: bool = false;
  private at: usize = 0;
  private end: usize = 0;

  start(ptr: usize, len: i32): void {
    this.at = ptr;
    this.end = ptr + len;
    this.failed = false;
  }

  fail(): bool {
    this.failed = true;
    this.at = this.end;
    return false;
  }

  /** First byte of the next token, 0 at the end. */
  peek(): u8 {
    while (this.at < this.end) {
      const c = load<u8>(this.at);
      if (c != 0x20 && c != 0x0a && c != 0x0d && c != 0x09) return c;
      this.at++;
    }
    return 0;
  }

  /** Takes `c` if it comes next. */
  take(c: u8): bool {
    if (this.peek() != c || this.at >= this.end) return false;
    this.at++;
    return true;
  }

  /** Takes `c`, or fails. */
  expect(c: u8): bool {
    return this.take(c) || this.fail();
  }

  /** Was the text taken to its end? */
  get done(): bool {
    return !this.failed && this.peek() == 0 && this.at >= this.end;
  }

  /** The next member of an object of which the brace is taken: sets `key`. @returns false after the last one */
  member(first: bool, key: ByteBuffer): bool {
    if (this.take(0x7d)) return false;
    if (!first && !this.expect(0x2c)) return false;
    return this.string(key) && this.expect(0x3a);
  }

  /** The next element of an array of which the bracket is taken. @returns false after the last one */
  element(first: bool): bool {
    if (this.take(0x5d)) return false;
    return first ? !this.failed : this.expect(0x2c);
  }

  /** A string: its bytes replace what is in `out`. */
  string(out: ByteBuffer): bool {
    out.clear();
    const quote: usize = this.peek() == 0x22 ? stringEnd(this.at, this.end) : 0;
    if (quote == 0 || !appendUnescaped(out, this.at + 1, quote)) return this.fail();
    this.at = quote + 1;
    return true;
  }

  /**
   * A number. More than 18 digits are cut off and a large exponent is rounded, so it is right to about 1 part in 10^15.
   */
  number(): f64 {
    this.peek();
    const negative = this.byte() == 0x2d;
    if (negative) this.at++;
    let digits: u64 = 0;
    let exponent: i32 = 0;
    const from = this.at;
    while (this.byte() - 0x30 < 10) {
      if (digits < 100_000_000_000_000_000) digits = digits * 10 + (this.byte() - 0x30);
      else exponent++;
      this.at++;
    }
    const whole = this.at - from;
    if (whole == 0 || (whole > 1 && load<u8>(from) == 0x30)) return this.noNumber();
    if (this.byte() == 0x2e) {
      const point = ++this.at;
      while (this.byte() - 0x30 < 10) {
        if (digits < 100_000_000_000_000_000) {
          digits = digits * 10 + (this.byte() - 0x30);
          exponent--;
        }
        this.at++;
      }
      if (this.at == point) return this.noNumber();
    }
    if ((this.byte() | 0x20) == 0x65) {
      this.at++;
      const sign = this.byte();
      if (sign == 0x2d || sign == 0x2b) this.at++;
      const start = this.at;
      let power = 0;
      while (this.byte() - 0x30 < 10) {
        if (power < 10_000) power = power * 10 + (this.byte() - 0x30);
        this.at++;
      }
      if (this.at == start) return this.noNumber();
      exponent += sign == 0x2d ? -power : power;
    }
    let number = <f64>digits;
    let left = exponent < 0 ? -exponent : exponent;
    for (; left > 0 && number != Infinity && number != 0; left -= EXACT_POWER) {
      const power: f64 = 10 ** <f64>min(left, EXACT_POWER);
      number = exponent < 0 ? number / power : number * power;
    }
    return negative ? -number : number;
  }

  private noNumber(): f64 {
    this.fail();
    return NaN;
  }

  /** The next byte, 0 at the end. */
  private byte(): u8 {
    return this.at < this.end ? load<u8>(this.at) : 0;
  }

  /** Takes `true` or `false`. */
  boolean(): bool {
    if (this.word(0x65757274, 4)) return true;
    if (!this.take(0x66) || !this.word(0x65736c61, 4)) this.fail();
    return false;
  }

  /** Takes `null` if it comes next. */
  isNull(): bool {
    return this.word(0x6c6c756e, 4);
  }

  /** Takes a word of four letters, given as a little-endian number, if it comes next. */
  private word(letters: u32, len: usize): bool {
    this.peek();
    if (this.at + len > this.end || load<u32>(this.at) != letters) return false;
    this.at += len;
    return true;
  }

  /** Takes a value of any kind, and forgets it. */
  skip(scratch: ByteBuffer, depth: i32 = 0): void {
    const c = this.peek();
    if (depth > MAX_DEPTH) this.fail();
    else if (c == 0x22) this.string(scratch);
    else if (c == 0x7b) {
      this.at++;
      for (let first = true; this.member(first, scratch); first = false) this.skip(scratch, depth + 1);
    } else if (c == 0x5b) {
      this.at++;
      for (let first = true; this.element(first); first = false) this.skip(scratch, depth + 1);
    } else if (c == 0x74 || c == 0x66) this.boolean();
    else if (!this.isNull()) this.number();
  }
}
