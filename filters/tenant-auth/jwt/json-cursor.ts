import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Char } from "../../sdk/bytes/chars";
import { appendUnescaped, stringEnd } from "../../sdk/bytes/json-string";
import { Slice } from "../../sdk/bytes/slice";

const MAX_DEPTH: i32 = 16;

/**
 * Reads one JSON text (RFC 8259) from front to back without allocating. Each method consumes what it names; on
 * anything else `failed` is set and stays set, and what is read from then on means nothing.
 */
export class JsonCursor {
  failed: bool = false;
  private at: usize = 0;
  private end: usize = 0;
  private first: bool = false;
  /** Unescaped strings. Reserved at the start, so that slices into it stay valid until the next `open`. */
  private readonly texts: ByteBuffer = new ByteBuffer();

  /** Begins at [ptr, ptr + len). */
  open(ptr: usize, len: i32): void {
    this.failed = false;
    this.at = ptr;
    this.end = ptr + len;
    this.texts.clear();
    this.texts.reserve(len);
  }

  private fail(): void {
    this.failed = true;
    this.at = this.end;
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

  private take(c: u8): bool {
    if (this.peek() != c || this.at >= this.end) return false;
    this.at++;
    return true;
  }

  /** The text is over. */
  close(): void {
    if (this.peek() != 0 || this.at < this.end) this.fail();
  }

  enterObject(): void {
    if (!this.take(Char.OPEN_BRACE)) this.fail();
    this.first = true;
  }

  /** Reads the key of an object's next member and sets `key` to it. @returns false at the object's end */
  nextMember(key: Slice): bool {
    if (this.failed || this.leave(Char.CLOSE_BRACE)) return false;
    if (!this.first && !this.take(Char.COMMA)) this.fail();
    this.first = false;
    this.string(key);
    if (!this.take(Char.COLON)) this.fail();
    return !this.failed;
  }

  enterArray(): void {
    if (!this.take(Char.OPEN_BRACKET)) this.fail();
    this.first = true;
  }

  /** @returns false at the array's end */
  nextElement(): bool {
    if (this.failed || this.leave(Char.CLOSE_BRACKET)) return false;
    if (!this.first && !this.take(Char.COMMA)) this.fail();
    this.first = false;
    return !this.failed;
  }

  private leave(bracket: u8): bool {
    if (!this.take(bracket)) return false;
    this.first = false;
    return true;
  }

  /** Reads a string and sets `text` to it, unescaped. */
  string(text: Slice): void {
    const quote: usize = this.peek() == Char.QUOTE ? stringEnd(this.at, this.end) : 0;
    const start = this.texts.end;
    text.len = 0;
    if (quote == 0 || !appendUnescaped(this.texts, this.at + 1, quote)) this.fail();
    else {
      text.ptr = start;
      text.len = <i32>(this.texts.end - start);
      this.at = quote + 1;
    }
  }

  /** Reads a number: exact for whole numbers up to 2^53, else close to it. */
  number(): f64 {
    this.peek();
    const negative = this.here(Char.MINUS);
    const zero = this.here(Char._0);
    if (zero == this.digit() >= 0) this.fail();
    let value = this.digits();
    if (this.here(Char.DOT)) {
      const from = this.at;
      const whole = value;
      value = whole + this.digits() / 10 ** <f64>(this.at - from);
      if (this.at == from) this.fail();
    }
    if (this.here(Char.e) || this.here(Char.E)) {
      const minus = this.here(Char.MINUS);
      if (!minus) this.here(Char.PLUS);
      const from = this.at;
      const exponent = this.digits();
      if (this.at == from) this.fail();
      value *= 10 ** (minus ? -exponent : exponent);
    }
    return negative ? -value : value;
  }

  /** Takes the byte if it comes next, without white space before it. */
  private here(c: u8): bool {
    if (this.at >= this.end || load<u8>(this.at) != c) return false;
    this.at++;
    return true;
  }

  private digit(): i32 {
    const digit: i32 = this.at < this.end ? <i32>load<u8>(this.at) - Char._0 : -1;
    return digit > 9 ? -1 : digit;
  }

  private digits(): f64 {
    let value: f64 = 0;
    for (let digit = this.digit(); digit >= 0; digit = this.digit()) {
      value = value * 10 + <f64>digit;
      this.at++;
    }
    return value;
  }

  /** Reads any value, checks it, and forgets it. */
  skip(): void {
    this.skipNested(0);
  }

  private skipNested(depth: i32): void {
    const c = this.peek();
    if (depth > MAX_DEPTH) this.fail();
    else if (c == Char.QUOTE) this.string(ignored);
    else if (c == Char.OPEN_BRACE) {
      this.enterObject();
      while (this.nextMember(ignored)) this.skipNested(depth + 1);
    } else if (c == Char.OPEN_BRACKET) {
      this.enterArray();
      while (this.nextElement()) this.skipNested(depth + 1);
    } else if (c == Char.MINUS || c - Char._0 < 10) this.number();
    else if (c == Char.t)
      this.word(0x65757274, 4); // true
    else if (c == Char.f)
      this.word(0x736c6166, 5); // fals
    else if (c == Char.n)
      this.word(0x6c6c756e, 4); // null
    else this.fail();
  }

  private word(firstFour: u32, len: i32): void {
    const complete = this.at + len <= this.end && load<u32>(this.at) == firstFour;
    if (!complete || (len == 5 && load<u8>(this.at, 4) != Char.e)) this.fail();
    else this.at += len;
  }
}

const ignored: Slice = new Slice();
