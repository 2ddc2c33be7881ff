import { ByteBuffer } from "./byte-buffer";
import { Bytes, bytes } from "./bytes";
import { Char, isDigit } from "./chars";
import { afterDigit, Digits, mayEnd, startOf } from "./json-digits";
import { isUtf8 } from "./json-text";
import { StringScanner, StringState } from "./string-scanner";

/** What `MemberScanner.next` came to. */
export enum Scan {
  /** All bytes are read: give it more. */
  More,
  /**
   * `key` is that of a member of the outermost object, or of one that was entered; `keep` asks for its value.
   */
  Key,
  /** A value that was asked for is whole. */
  Value,
  /** No JSON text that is an object. It stays so. */
  Malformed,
}

export enum ValueKind {
  String,
  Number,
  /** true, false, null. */
  Word,
  /** An object or an array, of which no text is kept. */
  Nested,
}

enum State {
  Start,
  Value,
  /** As Value; the array may end too. */
  Element,
  Key,
  /** As Key; the object may end too. */
  Member,
  Colon,
  /** A comma, or the end of what holds the value. */
  Comma,
  String,
  Number,
  Word,
  Over,
}

const MAX_DEPTH: i32 = 256;
const LONGEST_KEY: i32 = 64;
const TRUE = bytes("true");
const FALSE = bytes("false");
const NULL = bytes("null");

/**
 * Reads a JSON text (RFC 8259) that is an object as its bytes come, in pieces of any size, and tells of the
 * members of that object, and of those inside that are entered, alone. It checks the grammar of all of it and
 * keeps nothing but a key and a value that was asked for. Bytes beyond ASCII pass unchecked in values; in
 * keys they must be UTF-8.
 *
 *     scanner.feed(ptr, len);
 *     while ((scan = scanner.next()) != Scan.More) ...
 */
export class MemberScanner {
  /** Unescaped; ends after LONGEST_KEY bytes. Escaped characters beyond ASCII are U+FFFD. */
  readonly key: ByteBuffer = new ByteBuffer();
  /** Of a kept value: a string unescaped as keys are, of numbers and words the text. */
  readonly text: ByteBuffer = new ByteBuffer();
  kind: ValueKind = ValueKind.String;
  /** Where the kept value starts and ends, in bytes of the whole text. */
  valueStart: i64 = 0;
  valueEnd: i64 = 0;

  private state: State = State.Start;
  private malformed: bool = false;
  private depth: i32 = 0;
  /** By depth: is it an object? */
  private readonly objects: StaticArray<bool> = new StaticArray<bool>(MAX_DEPTH + 1);
  private readonly strings: StringScanner = new StringScanner();
  private isKey: bool = false;
  /** Depth of the object whose members are told. */
  private told: i32 = 1;
  private entering: bool = false;
  /** Bytes of the next value to keep; -1: none. */
  private wanted: i32 = -1;
  private keeping: bool = false;
  private digits: Digits = Digits.Minus;
  private word: Bytes = TRUE;
  /** Letters of the word that are still to come. */
  private left: i32 = 0;
  private at: usize = 0;
  private end: usize = 0;
  /** Bytes of the whole text before address 0, so to say. */
  private base: i64 = 0;
  private total: i64 = 0;

  /** Makes it ready for another text. */
  reset(): void {
    this.state = State.Start;
    this.malformed = false;
    this.depth = 0;
    this.told = 1;
    this.entering = false;
    this.wanted = -1;
    this.keeping = false;
    this.total = 0;
    this.at = 0;
    this.end = 0;
  }

  /** Gives it the next bytes, which must stay where they are until `next` asks for more. */
  feed(ptr: usize, len: i32): void {
    this.at = ptr;
    this.end = ptr + len;
    this.base = this.total - <i64>ptr;
    this.total += len;
  }

  /** Asks for the value of the key that was just told; what is longer than `most` bytes is clipped. */
  keep(most: i32): void {
    this.wanted = most;
  }

  /**
   * Asks for the members of the value of the key that was just told, as long as it lasts, if it is an object;
   * if it is an array, for those of its elements that are objects.
   */
  enter(): void {
    this.entering = true;
  }

  /** How deep the object lies whose members are told: 1 is the outermost. An array is a level, too. */
  get level(): i32 {
    return this.told;
  }

  /** Is `text` not all of the value? */
  get clipped(): bool {
    return this.strings.clipped;
  }

  /** Is the text whole? */
  get done(): bool {
    return this.state == State.Over && !this.malformed;
  }

  next(): Scan {
    while (!this.malformed && this.at < this.end) {
      const told = this.step();
      if (told != Scan.More) return told;
    }
    return this.malformed ? Scan.Malformed : Scan.More;
  }

  /** Reads a token, or what there is of it. */
  private step(): Scan {
    switch (this.state) {
      case State.String:
        return this.string();
      case State.Number:
        return this.number();
      case State.Word:
        return this.letter();
      default:
        return this.structure();
    }
  }

  private structure(): Scan {
    const c = load<u8>(this.at);
    if (c == Char.SPACE || c == Char.LF || c == Char.CR || c == Char.TAB) {
      this.at++;
      return Scan.More;
    }
    switch (this.state) {
      case State.Start:
        return c == Char.OPEN_BRACE ? this.open(true) : this.fail();
      case State.Member:
        if (c == Char.CLOSE_BRACE) return this.close(true);
        return c == Char.QUOTE ? this.openKey() : this.fail();
      case State.Key:
        return c == Char.QUOTE ? this.openKey() : this.fail();
      case State.Colon:
        return c == Char.COLON ? this.go(State.Value) : this.fail();
      case State.Element:
        return c == Char.CLOSE_BRACKET ? this.close(false) : this.value(c);
      case State.Value:
        return this.value(c);
      case State.Comma:
        if (c == Char.CLOSE_BRACE) return this.close(true);
        if (c == Char.CLOSE_BRACKET) return this.close(false);
        if (c != Char.COMMA) return this.fail();
        return this.go(this.objects[this.depth] ? State.Key : State.Value);
      default:
        return this.fail();
    }
  }

  /** Takes a byte. */
  private go(state: State): Scan {
    this.at++;
    this.state = state;
    return Scan.More;
  }

  private fail(): Scan {
    this.malformed = true;
    return Scan.Malformed;
  }

  private open(isObject: bool): Scan {
    if (this.depth == MAX_DEPTH) return this.fail();
    this.depth++;
    this.objects[this.depth] = isObject;
    return this.go(isObject ? State.Member : State.Element);
  }

  private close(isObject: bool): Scan {
    if (this.objects[this.depth] != isObject) return this.fail();
    this.depth--;
    if (this.depth > 0) this.told = min(this.told, this.depth);
    return this.go(this.depth == 0 ? State.Over : State.Comma);
  }

  private openKey(): Scan {
    this.isKey = true;
    this.strings.keep(this.depth == this.told ? this.key : null, LONGEST_KEY);
    return this.openString();
  }

  private openString(): Scan {
    this.strings.open();
    return this.go(State.String);
  }

  /** @param c its first byte, which is not taken yet */
  private value(c: u8): Scan {
    const entering = this.entering;
    this.entering = false;
    this.keeping = this.wanted >= 0;
    if (this.keeping) {
      this.strings.keep(this.text, this.wanted);
      this.valueStart = this.base + <i64>this.at;
      this.wanted = -1;
    } else this.strings.keep(null, 0);
    this.isKey = false;
    if (c == Char.QUOTE) {
      this.kind = ValueKind.String;
      return this.openString();
    }
    if (c == Char.OPEN_BRACE || c == Char.OPEN_BRACKET) {
      this.kind = ValueKind.Nested;
      const isElement = this.depth == this.told && !this.objects[this.depth];
      const opened = this.open(c == Char.OPEN_BRACE);
      if (entering || (isElement && c == Char.OPEN_BRACE)) this.told = this.depth;
      return opened == Scan.More ? this.kept() : opened;
    }
    if (c == Char.MINUS || isDigit(c)) {
      this.kind = ValueKind.Number;
      this.strings.add(c);
      this.digits = startOf(c);
      return this.go(State.Number);
    }
    return this.openWord(c);
  }

  private openWord(c: u8): Scan {
    if (c == Char.t) this.word = TRUE;
    else if (c == Char.f) this.word = FALSE;
    else if (c == Char.n) this.word = NULL;
    else return this.fail();
    this.kind = ValueKind.Word;
    this.left = this.word.len;
    this.state = State.Word;
    return Scan.More;
  }

  /** A value is whole, or one that is nested has begun. */
  private kept(): Scan {
    if (!this.keeping) return Scan.More;
    this.keeping = false;
    this.valueEnd = this.base + <i64>this.at;
    return Scan.Value;
  }

  private letter(): Scan {
    const c = load<u8>(this.at);
    if (c != load<u8>(this.word.ptr + this.word.len - this.left)) return this.fail();
    this.strings.add(c);
    if (--this.left > 0) return this.go(State.Word);
    this.go(State.Comma);
    return this.kept();
  }

  private number(): Scan {
    const c = load<u8>(this.at);
    const to = afterDigit(this.digits, c);
    if (to >= 0) {
      this.digits = <Digits>to;
      this.strings.add(c);
      return this.go(State.Number);
    }
    if (!mayEnd(this.digits)) return this.fail();
    this.state = State.Comma;
    return this.kept();
  }

  private string(): Scan {
    const strings = this.strings;
    this.at = strings.read(this.at, this.end);
    if (strings.state == StringState.Malformed) return this.fail();
    if (strings.state != StringState.Closed) return Scan.More;
    this.state = this.isKey ? State.Colon : State.Comma;
    if (!this.isKey) return this.kept();
    if (this.depth != this.told) return Scan.More;
    return isUtf8(this.key.ptr, this.key.end, strings.clipped) ? Scan.Key : this.fail();
  }
}
