import { ByteBuffer } from "./byte-buffer";
import { CASE_BIT, Char } from "./chars";
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
      if (c != Char.SPACE && c != Char.LF && c != Char.CR && c != Char.TAB) return c;
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
    if (this.take(Char.CLOSE_BRACE)) return false;
    if (!first && !this.expect(Char.COMMA)) return false;
    return this.string(key) && this.expect(Char.COLON);
  }

  /** The next element of an array of which the bracket is taken. @returns false after the last one */
  element(first: bool): bool {
    if (this.take(Char.CLOSE_BRACKET)) return false;
    return first ? !this.failed : this.expect(Char.COMMA);
  }

  /** A string: its bytes replace what is in `out`. */
  string(out: ByteBuffer): bool {
    out.clear();
    const quote: usize = this.peek() == Char.QUOTE ? stringEnd(this.at, this.end) : 0;
    if (quote == 0 || !appendUnescaped(out, this.at + 1, quote)) return this.fail();
    this.at = quote + 1;
    return true;
  }

  /**
   * A number. More than 18 digits are cut off and a large exponent is rounded, so it is right to about 1 part in 10^15.
   */
  number(): f64 {
    this.peek();
    const negative = this.byte() == Char.MINUS;
    if (negative) this.at++;
    let digits: u64 = 0;
    let exponent: i32 = 0;
    const from = this.at;
    while (this.byte() - Char._0 < 10) {
      if (digits < 100_000_000_000_000_000) digits = digits * 10 + (this.byte() - Char._0);
      else exponent++;
      this.at++;
    }
    const whole = this.at - from;
    if (whole == 0 || (whole > 1 && load<u8>(from) == Char._0)) return this.noNumber();
    if (this.byte() == Char.DOT) {
      const point = ++this.at;
      while (this.byte() - Char._0 < 10) {
        if (digits < 100_000_000_000_000_000) {
          digits = digits * 10 + (this.byte() - Char._0);
          exponent--;
        }
        this.at++;
      }
      if (this.at == point) return this.noNumber();
    }
    if ((this.byte() | CASE_BIT) == Char.e) {
      this.at++;
      const sign = this.byte();
      if (sign == Char.MINUS || sign == Char.PLUS) this.at++;
      const start = this.at;
      let power = 0;
      while (this.byte() - Char._0 < 10) {
        if (power < 10_000) power = power * 10 + (this.byte() - Char._0);
        this.at++;
      }
      if (this.at == start) return this.noNumber();
      exponent += sign == Char.MINUS ? -power : power;
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
    if (!this.take(Char.f) || !this.word(0x65736c61, 4)) this.fail();
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
    else if (c == Char.QUOTE) this.string(scratch);
    else if (c == Char.OPEN_BRACE) {
      this.at++;
      for (let first = true; this.member(first, scratch); first = false) this.skip(scratch, depth + 1);
    } else if (c == Char.OPEN_BRACKET) {
      this.at++;
      for (let first = true; this.element(first); first = false) this.skip(scratch, depth + 1);
    } else if (c == Char.t || c == Char.f) this.boolean();
    else if (!this.isNull()) this.number();
  }
}
