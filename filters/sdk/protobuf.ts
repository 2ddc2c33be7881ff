import { ByteBuffer } from "./byte-buffer";

/** Protocol Buffers wire format (protobuf.dev/programming-guides/encoding). */

export const VARINT: i32 = 0;
export const FIXED64: i32 = 1;
export const LENGTH_DELIMITED: i32 = 2;
export const FIXED32: i32 = 5;

export function varintSize(value: u64): i32 {
  return (63 - <i32>clz<u64>(value | 1)) / 7 + 1;
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

/** Value that the last `readVarint` read. */
export let varint: u64 = 0;

/** Reads a varint. @returns the byte after it; 0 when [from, to) ends within it or it is over ten bytes long. */
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
