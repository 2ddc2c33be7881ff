import { ByteBuffer } from "./byte-buffer";
import { CASE_BIT, Char, isDigit } from "./chars";
import { appendUnescaped, stringEnd } from "./json-string";

const MAX_DEPTH = 32;
/** 10^0 to 10^22 are exact in f64. */
const EXACT_POWER: i32 = 22;
/** Of a number, digits beyond this are cut off. */
const MOST_DIGITS: u64 = 100_000_000_000_000_000;
const MOST_EXPONENT: i32 = 10_000;

/** Words of JSON, as four of their letters lie in memory. */
const TRUE: u32 = 0x65_75_72_74;
const ALSE: u32 = 0x65_73_6c_61;
const NULL: u32 = 0x6c_6c_75_6e;

/**
 * Reads JSON (RFC 8259) from front to end without making objects, for what comes while requests are served.
 * Each method takes what it names; after the first that does not fit, `failed` stays set and nothing more is
 * taken.
 *
 *     json.start(ptr, len);
 *     json.enterObject();
 *     while (json.nextMember(key)) json.skip();
 *     if (json.done) ...
 */
export class JsonScanner {
  failed: bool = false;
  private at: usize = 0;
  private end: usize = 0;
  /** Nothing of the innermost object or array is taken yet. */
  private first: bool = false;
  private readonly skipped: ByteBuffer = new ByteBuffer();

  start(ptr: usize, len: i32): void {
    this.at = ptr;
    this.end = ptr + len;
    this.failed = false;
  }

  /** Gives the memory back: for a scanner that goes with a plug-in. */
  free(): void {
    this.skipped.free();
  }

  /** Makes the text void, such as for a value that may not be there. @returns false */
  fail(): bool {
    this.failed = true;
    this.at = this.end;
    return false;
  }

  /** Was the text taken to its end? */
  get done(): bool {
    return !this.failed && this.peek() == 0 && this.at >= this.end;
  }

  /** First byte of what comes next, white space aside; 0 at the end. */
  peek(): u8 {
    while (this.at < this.end) {
      const c = load<u8>(this.at);
      if (c != Char.SPACE && c != Char.LF && c != Char.CR && c != Char.TAB) return c;
      this.at++;
    }
    return 0;
  }

  enterObject(): void {
    this.enter(Char.OPEN_BRACE);
  }

  /** The key of an object's next member replaces what is in `key`. @returns false after the last one */
  nextMember(key: ByteBuffer): bool {
    return this.next(Char.CLOSE_BRACE) && this.string(key) && this.expect(Char.COLON);
  }

  enterArray(): void {
    this.enter(Char.OPEN_BRACKET);
  }

  /** @returns false after an array's last element */
  nextElement(): bool {
    return this.next(Char.CLOSE_BRACKET);
  }

  private enter(bracket: u8): void {
    this.expect(bracket);
    this.first = true;
  }

  private next(bracket: u8): bool {
    const first = this.first;
    this.first = false;
    if (this.failed || this.take(bracket)) return false;
    return first || this.expect(Char.COMMA);
  }

  /** Takes `c` if it comes next. */
  private take(c: u8): bool {
    if (this.peek() != c || this.at >= this.end) return false;
    this.at++;
    return true;
  }

  private expect(c: u8): bool {
    return this.take(c) || this.fail();
  }

  /** A string: its text replaces what is in `out`. */
  string(out: ByteBuffer): bool {
    out.clear();
    const quote: usize = this.peek() == Char.QUOTE ? stringEnd(this.at, this.end) : 0;
    if (quote == 0 || !appendUnescaped(out, this.at + 1, quote)) return this.fail();
    this.at = quote + 1;
    return true;
  }

  /**
   * A number. More than 18 digits are cut off and a large exponent is rounded, so whole numbers are exact up
   * to 2^53, others right to about 1 part in 10^15.
   */
  number(): f64 {
    this.peek();
    const negative = this.skipByte(Char.MINUS);
    let digits: u64 = 0;
    let exponent: i32 = 0;
    const from = this.at;
    for (; isDigit(this.byte()); this.at++) {
      if (digits < MOST_DIGITS) digits = digits * 10 + (this.byte() - Char._0);
      else exponent++;
    }
    const whole = this.at - from;
    if (whole == 0 || (whole > 1 && load<u8>(from) == Char._0)) return this.noNumber();
    if (this.skipByte(Char.DOT)) {
      const point = this.at;
      for (; isDigit(this.byte()); this.at++) {
        if (digits >= MOST_DIGITS) continue;
        digits = digits * 10 + (this.byte() - Char._0);
        exponent--;
      }
      if (this.at == point) return this.noNumber();
    }
    if ((this.byte() | CASE_BIT) == Char.e) {
      this.at++;
      const minus = this.skipByte(Char.MINUS);
      if (!minus) this.skipByte(Char.PLUS);
      const start = this.at;
      let power = 0;
      for (; isDigit(this.byte()); this.at++) {
        if (power < MOST_EXPONENT) power = power * 10 + (this.byte() - Char._0);
      }
      if (this.at == start) return this.noNumber();
      exponent += minus ? -power : power;
    }
    const number = scaled(digits, exponent);
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

  /** Takes `c` if it is the next byte. */
  private skipByte(c: u8): bool {
    if (this.byte() != c) return false;
    this.at++;
    return true;
  }

  /** Takes `true` or `false`. */
  boolean(): bool {
    if (this.word(TRUE)) return true;
    if (!this.take(Char.f) || !this.word(ALSE)) this.fail();
    return false;
  }

  /** Takes `null` if it comes next. */
  takeNull(): bool {
    return this.word(NULL);
  }

  /** Takes four letters if they come next. */
  private word(letters: u32): bool {
    this.peek();
    if (this.at + 4 > this.end || load<u32>(this.at) != letters) return false;
    this.at += 4;
    return true;
  }

  /** Takes a value of any kind, and forgets it. */
  skip(): void {
    this.skipNested(0);
  }

  private skipNested(depth: i32): void {
    const c = this.peek();
    if (depth > MAX_DEPTH) this.fail();
    else if (c == Char.QUOTE) this.string(this.skipped);
    else if (c == Char.OPEN_BRACE) {
      this.enterObject();
      while (this.nextMember(this.skipped)) this.skipNested(depth + 1);
    } else if (c == Char.OPEN_BRACKET) {
      this.enterArray();
      while (this.nextElement()) this.skipNested(depth + 1);
    } else if (c == Char.t || c == Char.f) this.boolean();
    else if (!this.takeNull()) this.number();
  }
}

/** `digits` times 10 to the power of `exponent`. */
function scaled(digits: u64, exponent: i32): f64 {
  let number = <f64>digits;
  let left = exponent < 0 ? -exponent : exponent;
  for (; left > 0 && number != Infinity && number != 0; left -= EXACT_POWER) {
    const power: f64 = 10 ** <f64>min(left, EXACT_POWER);
    number = exponent < 0 ? number / power : number * power;
  }
  return number;
}
