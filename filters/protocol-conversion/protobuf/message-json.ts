import { MessageReader } from "../../model-protocol/message-reader";
import { MAX_INTEGER_TEXT, writeI64 } from "../../model-protocol/numbers/digits";
import { MAX_FLOAT_TEXT, writeF32, writeF64 } from "../../model-protocol/numbers/float-text";
import { ENTRY_KEY, ENTRY_VALUE } from "../../model-protocol/open-inference-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";
import { LENGTH_DELIMITED, readVarint, VARINT, varint } from "../../sdk/bytes/protobuf";

import { StreamPool } from "../../sdk/pipeline/stream-pool";

/**
 * Small protobuf messages -> JSON, by a description of their fields. Not for tensors: a message is read
 * whole.
 */

export enum Kind {
  Bool,
  Int64,
  /** As protobuf's own JSON writes 64-bit integers: a string. */
  Int64String,
  Uint64,
  String,
  Float,
  Double,
  Enum,
  Message,
}

export class Field {
  readonly key: Bytes;
  repeated: bool = false;
  /** A map: a JSON object. */
  map: bool = false;
  /** Its keys are unsigned integers, and not strings. */
  numbered: bool = false;
  /** Left out when it is absent. */
  optional: bool = false;
  message: Message | null = null;
  /** Names of an enum's values, in the order of their numbers from 0. */
  names: Bytes[] = [];

  constructor(
    readonly number: i32,
    name: string,
    readonly kind: Kind,
  ) {
    this.key = bytes(`"${name}":`);
  }

  many(): Field {
    this.repeated = true;
    return this;
  }

  mapped(): Field {
    this.map = true;
    return this;
  }

  byNumber(): Field {
    this.map = true;
    this.numbered = true;
    return this;
  }

  maybe(): Field {
    this.optional = true;
    return this;
  }

  of(message: Message): Field {
    this.message = message;
    return this;
  }

  named(names: string[]): Field {
    for (let i = 0; i < names.length; i++) this.names.push(bytes(names[i]));
    return this;
  }
}

export class Message {
  constructor(readonly fields: Field[]) {}

  /** Appends the message [from, to) as a JSON object. @returns false when it is malformed */
  appendJson(out: ByteBuffer, from: usize, to: usize): bool {
    out.appendByte(Char.OPEN_BRACE);
    let first = true;
    for (let i = 0; i < this.fields.length; i++) {
      const field = this.fields[i];
      if (field.optional && !occurs(field, from, to)) continue;
      if (!first) out.appendByte(Char.COMMA);
      first = false;
      out.appendBytes(field.key);
      if (!appendField(out, field, from, to)) return false;
    }
    out.appendByte(Char.CLOSE_BRACE);
    return true;
  }
}

function occurs(field: Field, from: usize, to: usize): bool {
  for (scan.start(from, to); scan.next(); ) if (scan.field == field.number) return true;
  return false;
}

/**
 * Fields that are not repeated are looked at with this one; of those that are, each is written before the
 * next.
 */
const scan: MessageReader = new MessageReader();
/** A message may hold others: each level reads with one of its own. */
const readers: StreamPool<MessageReader> = new StreamPool<MessageReader>();

function appendField(out: ByteBuffer, field: Field, from: usize, to: usize): bool {
  if (!field.repeated && !field.map) return appendSingle(out, field, from, to);
  out.appendByte(field.map ? Char.OPEN_BRACE : Char.OPEN_BRACKET);
  const fields = readers.take();
  let first = true;
  fields.start(from, to);
  while (fields.next()) {
    if (fields.field != field.number) continue;
    const before = out.len;
    if (!first) out.appendByte(Char.COMMA);
    const start = out.len;
    fields.malformed = !appendElements(out, field, fields);
    if (fields.malformed) break;
    if (out.len == start) out.len = before;
    else first = false;
  }
  readers.release(fields);
  out.appendByte(field.map ? Char.CLOSE_BRACE : Char.CLOSE_BRACKET);
  return !fields.malformed;
}

/**
 * Appends what one occurrence of a repeated field holds: an entry of a map, an element, or packed integers.
 */
function appendElements(out: ByteBuffer, field: Field, fields: MessageReader): bool {
  if (field.map) return appendEntry(out, field, fields.from, fields.to);
  if (fields.wireType == VARINT) {
    appendInteger(out, field, fields.value);
    return true;
  }
  const packed = fields.wireType == LENGTH_DELIMITED;
  if (packed && (field.kind == Kind.Float || field.kind == Kind.Double))
    return appendFixed(out, field, fields.from, fields.to);
  if (!packed || field.kind > Kind.Uint64) return appendContent(out, field, fields.from, fields.to);
  for (let at = fields.from; at < fields.to; ) {
    if (at > fields.from) out.appendByte(Char.COMMA);
    at = readVarint(at, fields.to);
    if (at == 0) return false;
    appendInteger(out, field, varint);
  }
  return true;
}

/** Appends packed floats or doubles. */
function appendFixed(out: ByteBuffer, field: Field, from: usize, to: usize): bool {
  const size: usize = field.kind == Kind.Float ? 4 : 8;
  if ((to - from) % size != 0) return false;
  for (let at = from; at < to; at += size) {
    if (at > from) out.appendByte(Char.COMMA);
    appendContent(out, field, at, at + size);
  }
  return true;
}

/** Of a field that occurs several times the last one counts. */
function appendSingle(out: ByteBuffer, field: Field, from: usize, to: usize): bool {
  let value: u64 = 0;
  let last: usize = 0;
  let lastEnd: usize = 0;
  for (scan.start(from, to); scan.next(); ) {
    if (scan.field != field.number) continue;
    if (scan.wireType == VARINT) value = scan.value;
    else {
      last = scan.from;
      lastEnd = scan.to;
    }
  }
  if (scan.malformed) return false;
  if (field.kind > Kind.Uint64 && field.kind != Kind.Enum) return appendContent(out, field, last, lastEnd);
  appendInteger(out, field, value);
  return true;
}

const TRUE = bytes("true");
const FALSE = bytes("false");

function appendInteger(out: ByteBuffer, field: Field, value: u64): void {
  if (field.kind == Kind.Bool) {
    out.appendBytes(value != 0 ? TRUE : FALSE);
    return;
  }
  if (field.kind == Kind.Enum && value < <u64>field.names.length) {
    const name = field.names[<i32>value];
    appendJsonString(out, name.ptr, name.len, i32.MAX_VALUE);
    return;
  }
  if (field.kind == Kind.Uint64) {
    out.appendDecimal(value);
    return;
  }
  if (field.kind == Kind.Int64String) out.appendByte(Char.QUOTE);
  out.reserve(MAX_INTEGER_TEXT);
  out.len = <i32>(writeI64(<i64>value, out.end) - out.ptr);
  if (field.kind == Kind.Int64String) out.appendByte(Char.QUOTE);
}

function appendContent(out: ByteBuffer, field: Field, from: usize, to: usize): bool {
  if (field.kind == Kind.Message) return field.message!.appendJson(out, from, to);
  if (field.kind == Kind.Float) {
    out.reserve(MAX_FLOAT_TEXT);
    out.len = <i32>(writeF32(to - from == 4 ? load<f32>(from) : 0, out.end) - out.ptr);
  } else if (field.kind == Kind.Double) {
    out.reserve(MAX_FLOAT_TEXT);
    out.len = <i32>(writeF64(to - from == 8 ? load<f64>(from) : 0, out.end) - out.ptr);
  } else appendJsonString(out, from, <i32>(to - from), i32.MAX_VALUE);
  return true;
}

function appendEntry(out: ByteBuffer, field: Field, from: usize, to: usize): bool {
  let number: u64 = 0;
  let key: usize = 0;
  let keyEnd: usize = 0;
  let value: usize = 0;
  let valueEnd: usize = 0;
  for (scan.start(from, to); scan.next(); ) {
    if (scan.field == ENTRY_KEY) {
      number = scan.value;
      key = scan.from;
      keyEnd = scan.to;
    } else if (scan.isBytes(ENTRY_VALUE)) {
      value = scan.from;
      valueEnd = scan.to;
    }
  }
  if (scan.malformed) return false;
  if (field.numbered) {
    out.appendByte(Char.QUOTE);
    out.appendDecimal(number);
    out.appendByte(Char.QUOTE);
  } else appendJsonString(out, key, <i32>(keyEnd - key), i32.MAX_VALUE);
  out.appendByte(Char.COLON);
  return appendContent(out, field, value, valueEnd);
}
