import "../../filters/sdk/host/abort";
import { decimalToInteger, integerValue, parseNumber } from "../../filters/model-protocol/numbers/decimal";
import {
  decimalToBf16,
  decimalToF16,
  decimalToF32,
  decimalToF64,
} from "../../filters/model-protocol/numbers/decimal-float";
import { writeI64, writeU64 } from "../../filters/model-protocol/numbers/digits";
import {
  setNonFinite,
  writeBf16,
  writeF16,
  writeF32,
  writeF64,
} from "../../filters/model-protocol/numbers/float-text";
import { POWERS_OF_TEN } from "../../filters/model-protocol/numbers/powers-of-ten";

import {
  writeServingF32,
  writeServingF64,
} from "../../filters/protocol-conversion/tensorflow-serving/number-text";

export { setNonFinite };

/** As `writeFloats`, in the manner of TensorFlow Serving: of kind 4 or 8. */
export function writeServingFloats(kind: i32, ptr: usize, count: i32, out: usize): i32 {
  let at = out;
  for (let i = 0; i < count; i++) {
    if (kind == 4) at = writeServingF32(load<f32>(ptr + (i << 2)), at);
    else at = writeServingF64(load<f64>(ptr + (i << 3)), at);
    store<u8>(at++, 0x2c);
  }
  return <i32>(at - out);
}

export function allocate(size: i32): usize {
  return heap.alloc(size);
}

/** How much of the text is a number; -1 when it starts with none. */
export function numberLength(ptr: usize, len: i32): i32 {
  store<u8>(ptr + len, 0);
  const end = parseNumber(ptr);
  return end == 0 ? -1 : <i32>(end - ptr);
}

/**
 * Parses numbers that end with a comma each into floats of `kind`: 2 float16, 3 bfloat16, 4 float32, 8 float64.
 * @returns how many there were
 */
export function parseFloats(kind: i32, ptr: usize, len: i32, out: usize): i32 {
  const end = ptr + len;
  let count = 0;
  while (ptr < end) {
    ptr = parseNumber(ptr);
    if (ptr == 0 || load<u8>(ptr) != 0x2c) return -1;
    if (kind == 2) store<u16>(out + (count << 1), decimalToF16());
    else if (kind == 3) store<u16>(out + (count << 1), decimalToBf16());
    else if (kind == 4) store<f32>(out + (count << 2), decimalToF32());
    else store<f64>(out + (count << 3), decimalToF64());
    count++;
    ptr++;
  }
  return count;
}

/** Writes `count` floats of `kind` with a comma behind each. @returns the length of the text */
export function writeFloats(kind: i32, ptr: usize, count: i32, out: usize): i32 {
  let at = out;
  for (let i = 0; i < count; i++) {
    if (kind == 2) at = writeF16(load<u16>(ptr + (i << 1)), at);
    else if (kind == 3) at = writeBf16(load<u16>(ptr + (i << 1)), at);
    else if (kind == 4) at = writeF32(load<f32>(ptr + (i << 2)), at);
    else at = writeF64(load<f64>(ptr + (i << 3)), at);
    store<u8>(at++, 0x2c);
  }
  return <i32>(at - out);
}

export function parseInteger(ptr: usize, len: i32, bits: i32, signed: bool): bool {
  store<u8>(ptr + len, 0);
  return parseNumber(ptr) == ptr + len && decimalToInteger(bits, signed);
}

export function lastInteger(): u64 {
  return integerValue;
}

export function integerText(value: u64, signed: bool, out: usize): i32 {
  return <i32>((signed ? writeI64(value, out) : writeU64(value, out)) - out);
}

export function powersOfTen(): usize {
  return POWERS_OF_TEN;
}
