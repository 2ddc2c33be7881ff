import { MAX_INTEGER_TEXT, writeI64 } from "../model-protocol/numbers/digits";
import { MAX_FLOAT_TEXT, writeF32, writeF64 } from "../model-protocol/numbers/float-text";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Char } from "../sdk/bytes/chars";
import { appendJsonString } from "../sdk/bytes/json-text";

/**
 * Writes JSON in the order of the calls: `new
 * JsonWriter().object().key("labels").texts(labels).end().bytes()`. Commas come by themselves; NaN and
 * infinities, which JSON has no number for, become null.
 */
export class JsonWriter {
  /** Closing brackets of what is open. */
  private readonly open: u8[] = [];
  private comma: bool = false;
  private memory: StaticArray<u8> = new StaticArray<u8>(256);
  private length: i32 = 0;

  /** Where `size` more bytes go. */
  private room(size: i32): usize {
    const needed = this.length + size;
    if (needed > this.memory.length) {
      const grown = new StaticArray<u8>(max(needed, 2 * this.memory.length));
      memory.copy(changetype<usize>(grown), changetype<usize>(this.memory), this.length);
      this.memory = grown;
    }
    return changetype<usize>(this.memory) + this.length;
  }

  private wroteTo(end: usize): JsonWriter {
    this.length = <i32>(end - changetype<usize>(this.memory));
    return this;
  }

  private byte(value: u8): void {
    store<u8>(this.room(1), value);
    this.length++;
  }

  private next(): void {
    if (this.comma) this.byte(Char.COMMA);
    this.comma = true;
  }

  private start(opening: u8, closing: u8): JsonWriter {
    this.next();
    this.byte(opening);
    this.open.push(closing);
    this.comma = false;
    return this;
  }

  object(): JsonWriter {
    return this.start(Char.OPEN_BRACE, Char.CLOSE_BRACE);
  }

  array(): JsonWriter {
    return this.start(Char.OPEN_BRACKET, Char.CLOSE_BRACKET);
  }

  /** Closes the object or array that was opened last. */
  end(): JsonWriter {
    if (this.open.length > 0) this.byte(this.open.pop());
    this.comma = true;
    return this;
  }

  key(name: string): JsonWriter {
    this.text(name);
    this.byte(Char.COLON);
    this.comma = false;
    return this;
  }

  text(value: string): JsonWriter {
    this.next();
    const utf8 = String.UTF8.encode(value);
    quoted.clear();
    appendJsonString(quoted, changetype<usize>(utf8), utf8.byteLength, i32.MAX_VALUE);
    const to = this.room(quoted.len);
    memory.copy(to, quoted.ptr, quoted.len);
    return this.wroteTo(to + quoted.len);
  }

  number(value: f64): JsonWriter {
    this.next();
    return this.wroteTo(writeF64(value, this.room(MAX_FLOAT_TEXT)));
  }

  integer(value: i64): JsonWriter {
    this.next();
    return this.wroteTo(writeI64(value, this.room(MAX_INTEGER_TEXT)));
  }

  boolean(value: bool): JsonWriter {
    return this.word(value ? "true" : "false");
  }

  null(): JsonWriter {
    return this.word("null");
  }

  private word(letters: string): JsonWriter {
    this.next();
    for (let i = 0; i < letters.length; i++) this.byte(<u8>letters.charCodeAt(i));
    return this;
  }

  /** An array of numbers, each as short as a float32 of its own can be told. */
  floats(values: Float32Array): JsonWriter {
    this.array();
    for (let i = 0; i < values.length; i++) {
      this.next();
      this.wroteTo(writeF32(values[i], this.room(MAX_FLOAT_TEXT)));
    }
    return this.end();
  }

  /** An array of strings. */
  texts(values: string[]): JsonWriter {
    this.array();
    for (let i = 0; i < values.length; i++) this.text(values[i]);
    return this.end();
  }

  /** What was written; closes what is open. */
  bytes(): Uint8Array {
    while (this.open.length > 0) this.end();
    const copy = new Uint8Array(this.length);
    memory.copy(copy.dataStart, changetype<usize>(this.memory), this.length);
    return copy;
  }
}

const quoted: ByteBuffer = new ByteBuffer();
