import { decimalToInteger, integerValue, parseNumber } from "../model-protocol/numbers/decimal";
import { decimalToF32, decimalToF64 } from "../model-protocol/numbers/decimal-float";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { toText } from "../sdk/bytes/bytes";
import { CASE_BIT, Char } from "../sdk/bytes/chars";
import { JsonScanner } from "../sdk/bytes/json-scanner";
import { appendUnescaped, stringEnd } from "../sdk/bytes/json-string";
import { setFault } from "./fault";
import { afterComma, afterSpace, afterValue, elementCount, isSpace } from "./json-walk";

const scanner: JsonScanner = new JsonScanner();
const scratch: ByteBuffer = new ByteBuffer();

/** Checks that a body is JSON (RFC 8259). The bytes behind it must be readable, and zero. */
export function parseBody(body: ByteBuffer): Json {
  scanner.start(body.ptr, body.len);
  scanner.skip();
  if (!scanner.done) {
    setFault("the body is not JSON");
    return new Json(0, "");
  }
  return new Json(afterSpace(body.ptr), "");
}

/**
 * A value of the request's JSON, read where it stands: nothing is decoded before it is asked for. A value
 * that is missing or not what it is read as makes the request fail with 400 and its path (`rows[3].age: must
 * be a number`); the reader gets a zero or something empty in its place, and need not check.
 */
export class Json {
  /** @param at first byte of the value in valid JSON; 0 for a missing one */
  constructor(
    private readonly at: usize,
    private readonly path: string,
  ) {}

  get exists(): bool {
    return this.at != 0;
  }

  get isNull(): bool {
    return this.first == Char.n;
  }

  private get first(): u8 {
    return this.at == 0 ? 0 : load<u8>(this.at);
  }

  private wrong(wanted: string): void {
    if (this.at == 0) setFault(`${this.path}: is required`);
    else setFault(this.path.length > 0 ? `${this.path}: must be ${wanted}` : `the body must be ${wanted}`);
  }

  /** Has this object the member? */
  has(key: string): bool {
    return this.first == Char.OPEN_BRACE && this.member(key) != 0;
  }

  /** Member of an object; a missing one complains when it is read. */
  get(key: string): Json {
    const path = this.path.length > 0 ? `${this.path}.${key}` : key;
    if (this.first != Char.OPEN_BRACE) {
      this.wrong("an object");
      return new Json(0, path);
    }
    return new Json(this.member(key), path);
  }

  private member(key: string): usize {
    let at = afterSpace(this.at + 1);
    while (load<u8>(at) == Char.QUOTE) {
      const end = stringEnd(at, usize.MAX_VALUE);
      const found = textBetween(at + 1, end) == key;
      const value = afterSpace(afterSpace(end + 1) + 1);
      if (found) return value;
      at = afterComma(afterValue(value));
    }
    return 0;
  }

  /** Elements of an array, each a value of its own; for numbers prefer `floats` and the like. */
  items(): Json[] {
    const items: Json[] = [];
    if (this.first != Char.OPEN_BRACKET) {
      this.wrong("an array");
      return items;
    }
    for (
      let at = afterSpace(this.at + 1);
      load<u8>(at) != Char.CLOSE_BRACKET;
      at = afterComma(afterValue(at))
    )
      items.push(new Json(at, `${this.path}[${items.length}]`));
    return items;
  }

  text(): string {
    if (this.first != Char.QUOTE) {
      this.wrong("a string");
      return "";
    }
    return textBetween(this.at + 1, stringEnd(this.at, usize.MAX_VALUE));
  }

  boolean(): bool {
    if (this.first != Char.t && this.first != Char.f) this.wrong("true or false");
    return this.first == Char.t;
  }

  number(): f64 {
    if (this.at == 0 || parseNumber(this.at) == 0) {
      this.wrong("a number");
      return 0;
    }
    const value = decimalToF64();
    if (!isFinite<f64>(value)) this.wrong(DOUBLE);
    return value;
  }

  /** An integer of 64 bits. */
  integer(): i64 {
    if (this.at == 0 || parseNumber(this.at) == 0 || !decimalToInteger(64, true)) {
      this.wrong("an integer");
      return 0;
    }
    return <i64>integerValue;
  }

  /** The numbers of an array, of nested arrays too, row by row: float32 rounded right. */
  floats(): Float32Array {
    const out = new Float32Array(this.countNumbers());
    this.numbers<f32>(out.dataStart, out.length);
    return out;
  }

  /** As `floats`, in float64. */
  doubles(): Float64Array {
    const out = new Float64Array(this.countNumbers());
    this.numbers<f64>(out.dataStart, out.length);
    return out;
  }

  /** As `floats`, integers of 64 bits. */
  integers(): Int64Array {
    const out = new Int64Array(this.countNumbers());
    this.numbers<i64>(out.dataStart, out.length);
    return out;
  }

  /** The strings of an array. */
  texts(): string[] {
    const items = this.items();
    const texts: string[] = [];
    for (let i = 0; i < items.length; i++) texts.push(items[i].text());
    return texts;
  }

  /** Itself, as an array of rows of so many values each; the first row that is none complains. */
  rowsOf(columns: i32): Json {
    if (this.first != Char.OPEN_BRACKET) {
      this.wrong("an array of rows");
      return this;
    }
    let index = 0;
    let at = afterSpace(this.at + 1);
    for (; load<u8>(at) != Char.CLOSE_BRACKET; at = afterComma(afterValue(at))) {
      if (load<u8>(at) != Char.OPEN_BRACKET || elementCount(at) != columns) {
        new Json(at, `${this.path}[${index}]`).wrong(`an array of ${columns} values`);
        return this;
      }
      index++;
    }
    return this;
  }

  /** Sizes of nested arrays: those of the first element of each level. Empty for a value that is no array. */
  shape(): i64[] {
    const shape: i64[] = [];
    let at = this.at;
    while (at != 0 && load<u8>(at) == Char.OPEN_BRACKET) {
      const count = elementCount(at);
      shape.push(count);
      at = count > 0 ? afterSpace(at + 1) : 0;
    }
    return shape;
  }

  private countNumbers(): i32 {
    if (this.first != Char.OPEN_BRACKET) {
      this.wrong("an array of numbers");
      return 0;
    }
    const end = afterValue(this.at);
    let numbers = 0;
    let within = false;
    for (let at = this.at; at < end; at++) {
      const c = load<u8>(at);
      const part =
        c == Char.MINUS || c == Char.PLUS || c == Char.DOT || c - Char._0 < 10 || (c | CASE_BIT) == Char.e;
      if (part && !within) numbers++;
      within = part;
    }
    return numbers;
  }

  private numbers<T>(to: usize, count: i32): void {
    let at = this.at;
    let done = 0;
    while (done < count) {
      const c = load<u8>(at);
      if (c == Char.OPEN_BRACKET || c == Char.CLOSE_BRACKET || c == Char.COMMA || isSpace(c)) {
        at++;
        continue;
      }
      at = parseNumber(at);
      if (at == 0 || !storeNumber<T>(to)) break;
      to += sizeof<T>();
      done++;
    }
    if (done < count)
      this.element(done).wrong(isInteger<T>() ? "an integer" : at == 0 ? "a number" : rangeOf<T>());
    else if (this.at != 0 && hasOtherThanNumbers(this.at)) this.wrong("an array of numbers");
  }

  private element(index: i32): Json {
    return new Json(this.at, `${this.path}[${index}]`);
  }
}

const FLOAT = "a number that float32 can hold";
const DOUBLE = "a number that float64 can hold";

function rangeOf<T>(): string {
  return sizeof<T>() == 4 ? FLOAT : DOUBLE;
}

/** Stores the number that `parseNumber` read. @returns false for one that the type has not */
function storeNumber<T>(to: usize): bool {
  if (isInteger<T>()) {
    if (!decimalToInteger(64, true)) return false;
    store<u64>(to, integerValue);
    return true;
  } else if (sizeof<T>() == 4) {
    store<f32>(to, decimalToF32());
    return isFinite<f32>(load<f32>(to));
  } else {
    store<f64>(to, decimalToF64());
    return isFinite<f64>(load<f64>(to));
  }
}

/** Is there a string, an object, or a word in an array? */
function hasOtherThanNumbers(at: usize): bool {
  const end = afterValue(at);
  for (; at < end; at++) {
    const c = load<u8>(at);
    if (c == Char.QUOTE || c == Char.OPEN_BRACE || c == Char.n || c == Char.t || c == Char.f) return true;
  }
  return false;
}

function textBetween(from: usize, to: usize): string {
  scratch.clear();
  appendUnescaped(scratch, from, to);
  return toText(scratch.ptr, scratch.len);
}
