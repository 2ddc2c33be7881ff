import "../../filters/sdk/abort";
import {
  decimalToF32,
  decimalToI64,
  i64Value,
  parseNumber,
} from "../../filters/protocol-conversion/numbers/decimal";
import { writeF32 } from "../../filters/protocol-conversion/numbers/float-text";
import { writeI64 } from "../../filters/protocol-conversion/numbers/integer-text";
import { POWERS_OF_TEN } from "../../filters/protocol-conversion/numbers/powers-of-ten";

export function allocate(size: i32): usize {
  return heap.alloc(size);
}

/** How much of the text is a number; -1 when it starts with none. */
export function numberLength(ptr: usize, len: i32): i32 {
  const end = parseNumber(ptr, ptr + len);
  return end == 0 ? -1 : <i32>(end - ptr);
}

/** Parses numbers that end with a comma each into float32. @returns how many there were. */
export function parseFloats(ptr: usize, len: i32, out: usize): i32 {
  const end = ptr + len;
  let count = 0;
  while (ptr < end) {
    ptr = parseNumber(ptr, end);
    if (ptr == 0) return -1;
    store<f32>(out + (count++ << 2), decimalToF32());
    ptr++;
  }
  return count;
}

/** Writes `count` float32 with a comma behind each. @returns the length of the text. */
export function writeFloats(ptr: usize, count: i32, out: usize): i32 {
  let at = out;
  for (let i = 0; i < count; i++) {
    at = writeF32(load<f32>(ptr + (i << 2)), at);
    store<u8>(at++, 0x2c);
  }
  return <i32>(at - out);
}

export function parseI64(ptr: usize, len: i32): bool {
  return parseNumber(ptr, ptr + len) == ptr + len && decimalToI64();
}

export function lastI64(): i64 {
  return i64Value;
}

export function i64Text(value: i64, out: usize): i32 {
  return <i32>(writeI64(value, out) - out);
}

export function powersOfTen(): usize {
  return POWERS_OF_TEN;
}
