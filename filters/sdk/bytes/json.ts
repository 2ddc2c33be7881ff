import { ByteBuffer } from "./byte-buffer";
import { Char, isDigit } from "./chars";
import { appendUnescaped, stringEnd } from "./json-string";

/**
 * JSON for configuration: RFC 8259 text -> values. Allocates; read once when a plug-in is configured, never
 * for a request.
 */
export enum JsonKind {
  Null,
  Boolean,
  Number,
  String,
  Array,
  Object,
}

export class Json {
  kind: JsonKind = JsonKind.Null;
  boolean: bool = false;
  number: f64 = 0;
  text: string = "";
  /** Elements of an array, or the values of an object, in the order of `keys`. */
  items: Json[] = NO_ITEMS;
  keys: string[] = NO_KEYS;
}

/** Shared by all values that hold none. */
const NO_ITEMS: Json[] = [];
const NO_KEYS: string[] = [];

const MAX_DEPTH = 64;
const text: ByteBuffer = new ByteBuffer();

class Reader {
  error: string | null = null;

  constructor(
    private at: usize,
    private readonly end: usize,
    private readonly start: usize,
  ) {}

  document(): Json {
    const value = this.value(0);
    this.space();
    if (this.at < this.end) this.fail("nothing more");
    return value;
  }

  private fail(expected: string): void {
    if (this.error == null)
      this.error = `JSON: expected ${expected} at byte ${(this.at - this.start).toString()}`;
    this.at = this.end;
  }

  private space(): void {
    while (this.at < this.end) {
      const c = load<u8>(this.at);
      if (c != Char.SPACE && c != Char.LF && c != Char.CR && c != Char.TAB) return;
      this.at++;
    }
  }

  /** Skips white space and takes `c` if it comes next. */
  private take(c: u8): bool {
    this.space();
    if (this.at >= this.end || load<u8>(this.at) != c) return false;
    this.at++;
    return true;
  }

  private value(depth: i32): Json {
    const json = new Json();
    this.space();
    if (depth > MAX_DEPTH) this.fail("less nesting");
    const c: u8 = this.at < this.end ? load<u8>(this.at) : 0;
    if (c == Char.OPEN_BRACE) this.object(json, depth);
    else if (c == Char.OPEN_BRACKET) this.array(json, depth);
    else if (c == Char.QUOTE) {
      json.kind = JsonKind.String;
      json.text = this.string();
    } else if (c == Char.MINUS || isDigit(c)) {
      json.kind = JsonKind.Number;
      json.number = this.number();
    } else if (this.word("true")) {
      json.kind = JsonKind.Boolean;
      json.boolean = true;
    } else if (this.word("false")) json.kind = JsonKind.Boolean;
    else if (!this.word("null")) this.fail("a value");
    return json;
  }

  private word(text: string): bool {
    const len = text.length;
    if (this.at + len > this.end) return false;
    for (let i = 0; i < len; i++) if (load<u8>(this.at + i) != <u8>text.charCodeAt(i)) return false;
    this.at += len;
    return true;
  }

  private number(): f64 {
    const from = this.at;
    this.skip(Char.MINUS, Char.MINUS);
    const whole = this.digits();
    let good = whole == 1 || (whole > 1 && load<u8>(this.at - whole) != Char._0);
    if (this.skip(Char.DOT, Char.DOT)) good = this.digits() > 0 && good;
    if (this.skip(Char.e, Char.E)) {
      this.skip(Char.PLUS, Char.MINUS);
      good = this.digits() > 0 && good;
    }
    if (good) return parseFloat(String.UTF8.decodeUnsafe(from, this.at - from));
    this.at = from;
    this.fail("a number");
    return 0;
  }

  /** Skips one of two characters if it comes next. */
  private skip(one: u8, other: u8): bool {
    const c: u8 = this.at < this.end ? load<u8>(this.at) : 0;
    if (c != one && c != other) return false;
    this.at++;
    return true;
  }

  /** Skips digits. @returns how many there were */
  private digits(): i32 {
    const from = this.at;
    while (this.at < this.end && isDigit(load<u8>(this.at))) this.at++;
    return <i32>(this.at - from);
  }

  private string(): string {
    const quote = stringEnd(this.at, this.end);
    text.clear();
    if (quote == 0 || !appendUnescaped(text, this.at + 1, quote)) {
      this.fail("a string");
      return "";
    }
    this.at = quote + 1;
    return String.UTF8.decodeUnsafe(text.ptr, text.len);
  }

  private array(json: Json, depth: i32): void {
    json.kind = JsonKind.Array;
    this.at++;
    if (this.take(Char.CLOSE_BRACKET)) return;
    json.items = [];
    do json.items.push(this.value(depth + 1));
    while (this.take(Char.COMMA));
    if (!this.take(Char.CLOSE_BRACKET)) this.fail("',' or ']'");
  }

  private object(json: Json, depth: i32): void {
    json.kind = JsonKind.Object;
    this.at++;
    if (this.take(Char.CLOSE_BRACE)) return;
    json.items = [];
    json.keys = [];
    do {
      this.space();
      if (this.at >= this.end || load<u8>(this.at) != Char.QUOTE) {
        this.fail("a key");
        return;
      }
      const key = this.string();
      if (!this.take(Char.COLON)) {
        this.fail("':'");
        return;
      }
      if (json.keys.includes(key)) {
        this.fail(`one ${key}, not two`);
        return;
      }
      json.keys.push(key);
      json.items.push(this.value(depth + 1));
    } while (this.take(Char.COMMA));
    if (!this.take(Char.CLOSE_BRACE)) this.fail("',' or '}'");
  }
}

/** Parses [ptr, ptr + len). @returns null on malformed text; why, with the byte offset, goes to `faults`. */
export function parseJson(ptr: usize, len: i32, faults: string[]): Json | null {
  const reader = new Reader(ptr, ptr + len, ptr);
  const value = reader.document();
  const error = reader.error;
  if (error == null) return value;
  faults.push(error);
  return null;
}
