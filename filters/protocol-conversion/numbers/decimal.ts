import { compareDecimal } from "./big-integer";

/**
 * JSON numbers (RFC 8259, section 6) -> int64 and float32, correctly rounded. The parts of the number read last stay in
 * this module until the next one.
 */

/** The first 19 significant digits as an integer. */
let mantissa: u64 = 0;
/** Value = mantissa * 10^exponent, but for digits that were dropped. */
let exponent: i32 = 0;
let negative: bool = false;
/** Digits beyond the 19th were dropped. */
let dropped: bool = false;
/** Has it a fraction or an exponent? */
let integral: bool = false;
/** The digits, maybe with a point among them, and the written exponent. */
let digitsFrom: usize = 0;
let digitsTo: usize = 0;
let writtenExponent: i32 = 0;

/** Result of `decimalToI64`. */
export let i64Value: i64 = 0;

const MAX_DIGITS: i32 = 19;
const ASCII_ZEROS: u64 = 0x3030303030303030;

/** Are all eight bytes ASCII digits? */
function areDigits(word: u64): bool {
  return (((word + 0x4646464646464646) | (word - ASCII_ZEROS)) & 0x8080808080808080) == 0;
}

/** Value of eight ASCII digits, the first in the lowest byte (Lemire, "Quickly parsing eight digits"). */
function eightDigits(word: u64): u64 {
  word -= ASCII_ZEROS;
  word = word * 10 + (word >> 8);
  return (
    ((word & 0x000000ff000000ff) * 0x000f424000000064 +
      ((word >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >>
    32
  );
}

/**
 * Reads the number that starts at `from`. @returns the byte after it, 0 when no valid number starts there. Bytes up to
 * 8 beyond `to` must be readable; a number that reaches `to` may go on in the next chunk.
 */
export function parseNumber(from: usize, to: usize): usize {
  let at = from;
  negative = load<u8>(at) == 0x2d;
  if (negative) at++;
  digitsFrom = at;
  let value: u64 = 0;
  if (at < to && load<u8>(at) == 0x30) at++;
  else {
    while (at < to && load<u8>(at) - 0x30 < 10) value = value * 10 + (load<u8>(at++) - 0x30);
    if (at == digitsFrom) return 0;
  }
  let digits = <i32>(at - digitsFrom);
  let scale: i32 = 0;
  integral = true;
  if (at < to && load<u8>(at) == 0x2e) {
    integral = false;
    const fraction = ++at;
    if (at + 8 <= to) {
      const word = load<u64>(at);
      if (areDigits(word)) {
        value = value * 100000000 + eightDigits(word);
        at += 8;
      }
    }
    while (at < to && load<u8>(at) - 0x30 < 10) value = value * 10 + (load<u8>(at++) - 0x30);
    scale = <i32>(at - fraction);
    if (scale == 0) return 0;
    digits += scale;
  }
  digitsTo = at;
  let written: i32 = 0;
  if (at < to && (load<u8>(at) | 0x20) == 0x65) {
    integral = false;
    at++;
    const minus = at < to && load<u8>(at) == 0x2d;
    if (at < to && (minus || load<u8>(at) == 0x2b)) at++;
    const first = at;
    while (at < to && load<u8>(at) - 0x30 < 10) {
      if (written < 100000000) written = written * 10 + (load<u8>(at) - 0x30);
      at++;
    }
    if (at == first) return 0;
    if (minus) written = -written;
  }
  writtenExponent = written;
  dropped = digits > MAX_DIGITS;
  if (dropped) firstDigits();
  else {
    mantissa = value;
    exponent = written - scale;
  }
  return at;
}

/** Takes the first 19 significant digits of a number that has more, leading zeros aside. */
function firstDigits(): void {
  let value: u64 = 0;
  let taken: i32 = 0;
  let pointSeen = false;
  let scale: i32 = 0;
  dropped = false;
  for (let at = digitsFrom; at < digitsTo; at++) {
    const c = load<u8>(at);
    if (c == 0x2e) {
      pointSeen = true;
      continue;
    }
    if (taken < MAX_DIGITS) {
      value = value * 10 + (c - 0x30);
      if (value != 0) taken++;
      if (pointSeen) scale--;
    } else {
      if (c != 0x30) dropped = true;
      if (!pointSeen) scale++;
    }
  }
  mantissa = value;
  exponent = writtenExponent + scale;
}

/** The number as int64 in `i64Value`. @returns false for a fraction, an exponent, or a value out of range. */
export function decimalToI64(): bool {
  if (!integral || dropped || exponent != 0) return false;
  if (mantissa > <u64>i64.MAX_VALUE + (negative ? 1 : 0)) return false;
  i64Value = negative ? -(<i64>mantissa) : <i64>mantissa;
  return true;
}

const POWERS = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
  1e20, 1e21, 1e22,
]);
const LARGEST_EXACT_POWER: i32 = 22;
/** Beyond these a float32 is infinite, or zero. */
const LARGEST_EXPONENT: i32 = 39;
const SMALLEST_EXPONENT: i32 = -66;
const SMALLEST_NORMAL: f64 = 1.1754943508222875e-38;
const LARGEST_SAFE: f64 = 3.4e38;
/** A float64 has 29 bits that a float32 has not; halfway between two float32 they are these. */
const LOW_BITS: u64 = 0x1fffffff;
const HALFWAY: u64 = 0x10000000;
/**
 * Bound, in units of the last place, on the error of the float64 below: one rounding for the mantissa, one for its
 * dropped digits, one for each of at most four divisions or multiplications.
 */
const ERROR: u64 = 8;

/**
 * The number as float32, rounded to nearest, ties to even; infinite beyond its range. A float64 with a known error
 * decides unless it is too near the middle of two float32; then integers of any size compare exactly (as in Clinger,
 * "How to read floating point numbers accurately", 1990).
 */
export function decimalToF32(): f32 {
  const magnitude: f32 = mantissa == 0 ? 0 : roundedMagnitude();
  return negative ? -magnitude : magnitude;
}

function roundedMagnitude(): f32 {
  if (exponent > LARGEST_EXPONENT) return Infinity;
  if (exponent < SMALLEST_EXPONENT) return 0;
  let value = <f64>mantissa;
  let rest = exponent;
  if (rest < 0) {
    for (; rest < -LARGEST_EXACT_POWER; rest += LARGEST_EXACT_POWER) value /= 1e22;
    value /= load<f64>(POWERS + ((<usize>-rest) << 3));
  } else {
    for (; rest > LARGEST_EXACT_POWER; rest -= LARGEST_EXACT_POWER) value *= 1e22;
    value *= load<f64>(POWERS + ((<usize>rest) << 3));
  }
  if (value >= SMALLEST_NORMAL && value <= LARGEST_SAFE) {
    const low = reinterpret<u64>(value) & LOW_BITS;
    if (low + ERROR < HALFWAY || low > HALFWAY + ERROR) return <f32>value;
  }
  return decideExactly(value);
}

/** Rounds with exact integers; `near` is less than a float32's last place away from the number. */
function decideExactly(near: f64): f32 {
  let below = <f32>near;
  if (<f64>below > near) below = reinterpret<f32>(reinterpret<u32>(below) - 1);
  if (!isFinite<f32>(below)) below = f32.MAX_VALUE;
  const bits = reinterpret<u32>(below);
  const exponentBits = <i32>(bits >> 23);
  const significand: u64 = exponentBits == 0 ? bits : (bits & 0x7fffff) | 0x800000;
  const order = compareDecimal(
    digitsFrom,
    digitsTo,
    writtenExponent,
    2 * significand + 1,
    max(exponentBits, 1) - 151,
  );
  const up = order > 0 || (order == 0 && (bits & 1) == 1);
  return up ? reinterpret<f32>(bits + 1) : below;
}
