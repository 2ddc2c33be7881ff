import { ByteBuffer } from "./byte-buffer";

/** Protocol Buffers wire format (protobuf.dev/programming-guides/encoding). */

export const VARINT: i32 = 0;
export const FIXED64: i32 = 1;
export const LENGTH_DELIMITED: i32 = 2;
export const FIXED32: i32 = 5;

export function varintSize(value: u64): i32 {
  return (63 - <i32>clz<u64>(value | 1)) / 7 + 1;
}

/** Bytes of a length-delimited field with a content of `length` bytes. */
export function fieldSize(field: i32, length: i64): i64 {
  return varintSize(field << 3) + varintSize(length) + length;
}

export function appendVarint(out: ByteBuffer, value: u64): void {
  out.reserve(10);
  let to = out.end;
  while (value >= 0x80) {
    store<u8>(to++, <u8>value | 0x80);
    value >>= 7;
  }
  store<u8>(to++, <u8>value);
  out.len = <i32>(to - out.ptr);
}

export function appendTag(out: ByteBuffer, field: i32, wireType: i32): void {
  appendVarint(out, (field << 3) | wireType);
}

/** A length-delimited field: string, bytes or message. */
export function appendField(out: ByteBuffer, field: i32, ptr: usize, len: i32): void {
  appendTag(out, field, LENGTH_DELIMITED);
  appendVarint(out, len);
  out.append(ptr, len);
}

// Variables of the module, not fields of an object: each field of a message and each packed number sets them.

/** Value that the last `readVarint` read. */
export let varint: u64 = 0;

/**
 * Reads a varint.
 * @returns the byte after it; 0 when [from, to) ends within it or it is over ten bytes long.
 */
export function readVarint(from: usize, to: usize): usize {
  let value: u64 = 0;
  for (let shift: u64 = 0; shift < 70 && from < to; shift += 7) {
    const byte = load<u8>(from++);
    value |= (<u64>(byte & 0x7f)) << shift;
    if (byte < 0x80) {
      varint = value;
      return from;
    }
  }
  return 0;
}

/**
 * What the last `readTag` read: field number, wire type, and bytes of the content; of a varint its value is
 * `varint`.
 */
export let tagField: i32 = 0;
export let tagWireType: i32 = 0;
export let tagLength: i64 = 0;
/** The last `readTag` found what no message has, and not just its end. */
export let tagMalformed: bool = false;

/**
 * Reads a tag and what follows it up to the field's content.
 * @returns the byte after; 0 when [from, to) ends before that, or before the content of a fixed size, or of
 *   any with `whole`.
 */
export function readTag(from: usize, to: usize, whole: bool = true): usize {
  tagMalformed = false;
  let next = readVarint(from, to);
  if (next == 0) return 0;
  tagField = <i32>(varint >> 3);
  tagWireType = <i32>(varint & 7);
  tagLength = 0;
  if (tagWireType == LENGTH_DELIMITED || tagWireType == VARINT) {
    next = readVarint(next, to);
    if (next == 0) return 0;
    if (tagWireType == LENGTH_DELIMITED) tagLength = <i64>varint;
  } else if (tagWireType == FIXED32) tagLength = 4;
  else if (tagWireType == FIXED64) tagLength = 8;
  else tagMalformed = true;
  if (tagField == 0 || tagLength < 0) tagMalformed = true;
  if (tagMalformed) return 0;
  return whole && tagLength > <i64>(to - next) ? 0 : next;
}
