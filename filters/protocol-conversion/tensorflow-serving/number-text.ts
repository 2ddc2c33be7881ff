import { Datatype } from "../../model-protocol/datatype";
import { parseNumber } from "../../model-protocol/numbers/decimal";
import { decimalToF32, decimalToF64, nearF32, nearIsSafe } from "../../model-protocol/numbers/decimal-float";
import { digitCount, writeDigits } from "../../model-protocol/numbers/digits";
import { MAX_FLOAT_TEXT, writeF32, writeF64 } from "../../model-protocol/numbers/float-text";
import {
  firstExponent,
  nearShorter,
  round,
  rounded,
  scale,
} from "../../model-protocol/numbers/rounded-digits";
import { Char } from "../../sdk/bytes/chars";
import { SlabChain } from "../body/slabs";

/**
 * Floats as TensorFlow Serving's REST API prints them (`WriteDecimal` in
 * tensorflow_serving/util/json_tensor.cc): six significant digits in the manner of printf's `%g` if they read
 * back as the same float, otherwise 9 of a float32 and 17 of a float64; `.0` behind what has neither point
 * nor exponent. `0.1`, `9e+06`, `0.333333343`, `3.0`.
 */

const SHORT: i32 = 6;
const F32_DIGITS: i32 = 9;
const F64_DIGITS: i32 = 17;
/**
 * A number of six digits that reads back as the float is no further away, in units of the last of 9 or 17
 * digits: half of the distance to the next float.
 */
const F32_REACH: u64 = 61;
const F64_REACH: u64 = 12;

/** Writes `value`, at most MAX_FLOAT_TEXT bytes. @returns the byte after it */
export function writeServingF32(value: f32, out: usize): usize {
  const bits = reinterpret<u32>(value);
  const fraction = bits & 0x7fffff;
  const exponent = <i32>((bits >> 23) & 0xff);
  if (exponent == 0xff || bits << 1 == 0) return writeF32(value, out);
  const normal = exponent > 0;
  scale(normal ? fraction | 0x800000 : fraction, max(exponent, 1) - 150, F32_DIGITS);
  const start = out;
  store<u8>(out, Char.MINUS);
  out += bits >> 31;
  if (!normal || nearShorter(SHORT, F32_DIGITS, F32_REACH)) {
    round(SHORT);
    const near = nearF32(rounded, SHORT - 1 - firstExponent);
    if (nearIsSafe(near)) {
      if (<f32>near == abs<f32>(value)) return writeGeneral(SHORT, out);
    } else {
      const end = writeGeneral(SHORT, out);
      if (readsBack(start, end) && decimalToF32() == value) return end;
    }
  }
  round(F32_DIGITS);
  return writeGeneral(F32_DIGITS, out);
}

/** As `writeServingF32`. */
export function writeServingF64(value: f64, out: usize): usize {
  const bits = reinterpret<u64>(value);
  const fraction = bits & 0xfffffffffffff;
  const exponent = <i32>((bits >> 52) & 0x7ff);
  if (exponent == 0x7ff || bits << 1 == 0) return writeF64(value, out);
  const normal = exponent > 0;
  scale(normal ? fraction | 0x10000000000000 : fraction, max(exponent, 1) - 1075, F64_DIGITS);
  const start = out;
  store<u8>(out, Char.MINUS);
  out += <usize>(bits >> 63);
  if (!normal || nearShorter(SHORT, F64_DIGITS, F64_REACH)) {
    round(SHORT);
    const end = writeGeneral(SHORT, out);
    if (readsBack(start, end) && decimalToF64() == value) return end;
  }
  round(F64_DIGITS);
  return writeGeneral(F64_DIGITS, out);
}

function readsBack(from: usize, to: usize): bool {
  store<u8>(to, Char.COMMA);
  return parseNumber(from) == to;
}

/** Writes what `round` found, of `precision` digits, as `%g` does: without zeros at the end. */
function writeGeneral(precision: i32, out: usize): usize {
  let value = rounded;
  let count = precision;
  while (value % 10 == 0) {
    value /= 10;
    count--;
  }
  const first = firstExponent;
  if (first < -4 || first >= precision) {
    const end = writeDigits(value, count, out + 1);
    store<u8>(out, load<u8>(out + 1));
    store<u8>(out + 1, Char.DOT);
    return writeExponent(first, count == 1 ? out + 1 : end);
  }
  if (first < 0) {
    store<u64>(out, 0x30_30_30_30_30_30_2e_30); // 0.000000
    return writeDigits(value, count, out + 1 - first);
  }
  const whole = first + 1;
  if (count <= whole) {
    const end = writeDigits(value, count, out);
    memory.fill(end, Char._0, whole - count);
    store<u16>(out + whole, 0x302e);
    return out + whole + 2;
  }
  const end = writeDigits(value, count, out + 1);
  memory.copy(out, out + 1, whole);
  store<u8>(out + whole, Char.DOT);
  return end;
}

/** At least two digits, and always a sign. */
function writeExponent(exponent: i32, out: usize): usize {
  store<u8>(out, Char.e);
  store<u8>(out + 1, exponent < 0 ? Char.MINUS : Char.PLUS);
  store<u8>(out + 2, Char._0);
  const size = abs(exponent);
  return writeDigits(size, digitCount(size), out + 2 + <usize>(size < 10));
}

const text: usize = memory.data(64);

/** Writes the float32 or float64 elements of [from, to), as `writeElements` does. */
export function writeServingFloats(
  datatype: Datatype,
  from: usize,
  to: usize,
  first: bool,
  out: SlabChain,
): void {
  const size: usize = datatype == Datatype.FP32 ? 4 : 8;
  for (let at = from; at < to; at += size) {
    const fits = <i32>(out.end - out.at) > MAX_FLOAT_TEXT;
    const start = fits ? out.at : text;
    store<u8>(start, Char.COMMA);
    const number = start + <usize>(!first || at > from);
    const end = size == 4 ? writeServingF32(load<f32>(at), number) : writeServingF64(load<f64>(at), number);
    if (fits) out.at = end;
    else out.append(text, <i32>(end - text));
  }
}
