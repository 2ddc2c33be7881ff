import { MAX_INTEGER_TEXT, writeI64 } from "../../model-protocol/numbers/digits";
import { MAX_FLOAT_TEXT, writeF32 } from "../../model-protocol/numbers/float-text";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { appendJsonString } from "../../sdk/bytes/json-text";
import {
  LENGTH_DELIMITED,
  readTag,
  readVarint,
  tagField,
  tagLength,
  tagWireType,
  VARINT,
  varint,
} from "../../sdk/bytes/protobuf";

/** Small protobuf messages -> JSON, by a description of their fields. Not for tensors: a message is read whole. */

export enum Kind {
  Bool,
  Int64,
  /** As protobuf's own JSON writes 64-bit integers: a string. */
  Int64String,
  String,
  Float,
  Enum,
  Message,
}

export class Field {
  readonly key: Bytes;
  repeated: bool = false;
  /** A map from strings: a JSON object. */
  map: bool = false;
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
    out.appendByte(0x7b);
    let first = true;
    for (let i = 0; i < this.fields.length; i++) {
      const field = this.fields[i];
      if (field.optional && !occurs(field, from, to)) continue;
      if (!first) out.appendByte(0x2c);
      first = false;
      out.appendBytes(field.key);
      if (!appendField(out, field, from, to)) return false;
    }
    out.appendByte(0x7d);
    return true;
  }
}

function occurs(field: Field, from: usize, to: usize): bool {
  for (let at = from; at < to; at += <usize>tagLength) {
    at = readTag(at, to);
    if (at == 0) return false;
    if (tagField == field.number) return true;
  }
  return false;
}

function appendField(out: ByteBuffer, field: Field, from: usize, to: usize): bool {
  const list = field.repeated || field.map;
  let count = 0;
  let last: usize = 0;
  let lastEnd: usize = 0;
  if (list) out.appendByte(field.map ? 0x7b : 0x5b);
  for (let at = from; at < to; ) {
    at = readTag(at, to);
    if (at == 0) return false;
    const end = at + <usize>tagLength;
    if (tagField == field.number) {
      // A varint's value lies before `at`: it is taken from `varint` at once.
      if (!list && tagWireType == VARINT) {
        last = 1;
        single = varint;
      } else if (!list) {
        last = at;
        lastEnd = end;
      } else if (field.map) {
        if (count++ > 0) out.appendByte(0x2c);
        if (!appendEntry(out, field, at, end)) return false;
      } else if (tagWireType == LENGTH_DELIMITED && field.kind <= Kind.Int64String) {
        for (let element = at; element < end; ) {
          element = readVarint(element, end);
          if (element == 0) return false;
          if (count++ > 0) out.appendByte(0x2c);
          appendInteger(out, field, varint);
        }
      } else {
        if (count++ > 0) out.appendByte(0x2c);
        if (tagWireType == VARINT) appendInteger(out, field, varint);
        else if (!appendContent(out, field, at, end)) return false;
      }
    }
    at = end;
  }
  if (list) {
    out.appendByte(field.map ? 0x7d : 0x5d);
    return true;
  }
  if (field.kind <= Kind.Int64String || field.kind == Kind.Enum) {
    appendInteger(out, field, last == 0 ? 0 : single);
    return true;
  }
  return appendContent(out, field, last, lastEnd);
}

let single: u64 = 0;

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
  if (field.kind == Kind.Int64String) out.appendByte(0x22);
  out.reserve(MAX_INTEGER_TEXT);
  out.len = <i32>(writeI64(<i64>value, out.end) - out.ptr);
  if (field.kind == Kind.Int64String) out.appendByte(0x22);
}

function appendContent(out: ByteBuffer, field: Field, from: usize, to: usize): bool {
  if (field.kind == Kind.Message) return field.message!.appendJson(out, from, to);
  if (field.kind == Kind.Float) {
    out.reserve(MAX_FLOAT_TEXT);
    out.len = <i32>(writeF32(to - from == 4 ? load<f32>(from) : 0, out.end) - out.ptr);
  } else appendJsonString(out, from, <i32>(to - from), i32.MAX_VALUE);
  return true;
}

function appendEntry(out: ByteBuffer, field: Field, from: usize, to: usize): bool {
  let key: usize = 0;
  let keyEnd: usize = 0;
  let value: usize = 0;
  let valueEnd: usize = 0;
  for (let at = from; at < to; at += <usize>tagLength) {
    at = readTag(at, to);
    if (at == 0) return false;
    if (tagField == 1 && tagWireType == LENGTH_DELIMITED) {
      key = at;
      keyEnd = at + <usize>tagLength;
    } else if (tagField == 2 && tagWireType == LENGTH_DELIMITED) {
      value = at;
      valueEnd = at + <usize>tagLength;
    }
  }
  appendJsonString(out, key, <i32>(keyEnd - key), i32.MAX_VALUE);
  out.appendByte(0x3a);
  return appendContent(out, field, value, valueEnd);
}
