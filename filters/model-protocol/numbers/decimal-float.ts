import { compareDecimal } from "./big-integer";
import { digitsFrom, digitsTo, dropped, exponent, mantissa, negative, writtenExponent } from "./decimal";
import { POWERS_OF_TEN, SMALLEST_POWER } from "./powers-of-ten";
import { multiplyHigh } from "./wide-multiply";

/**
 * The number that `parseNumber` read last -> float64, float32, float16, bfloat16, rounded to nearest, ties to
 * even.
 */

const EXACT_POWERS = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
  1e20, 1e21, 1e22,
]);
const HIDDEN: u64 = 0x10000000000000;
const FRACTION: u64 = HIDDEN - 1;
const LARGEST_EXACT: u64 = 2 * HIDDEN;

/** The number as float64; infinite beyond its range. */
export function decimalToF64(): f64 {
  const magnitude = magnitudeF64();
  return negative ? -magnitude : magnitude;
}

function magnitudeF64(): f64 {
  const w = mantissa;
  if (w <= LARGEST_EXACT && !dropped) {
    // Both are exact, so that IEEE arithmetic rounds once (Clinger, "How to read floating point numbers
    // accurately", 1990).
    const q = exponent;
    if (q <= 0 && q >= -22) return <f64>(<i64>w) / load<f64>(EXACT_POWERS + ((<usize>-q) << 3));
    if (q > 0 && q <= 22) return <f64>(<i64>w) * load<f64>(EXACT_POWERS + ((<usize>q) << 3));
    if (w == 0) return 0;
  }
  if (exponent < SMALLEST_POWER) return 0;
  if (exponent > 308) return Infinity;
  const bits = eiselLemire(w, exponent);
  if (!dropped || bits == eiselLemire(w + 1, exponent)) return reinterpret<f64>(bits);
  return decideF64(bits);
}

/**
 * Bits of the float64 nearest to w * 10^q, for w > 0 and q in the range of the table (Lemire, "Number parsing
 * at a gigabyte per second", 2021; that it never needs a second look: Mushtak and Lemire, "Fast number
 * parsing without fallback", 2023).
 */
function eiselLemire(w: u64, q: i32): u64 {
  const zeros = <i32>clz<u64>(w);
  w <<= zeros;
  const entry = POWERS_OF_TEN + ((<usize>(q - SMALLEST_POWER)) << 4);
  const power = load<u64>(entry);
  let low = w * power;
  let high = multiplyHigh(w, power);
  if ((high & 0x1ff) == 0x1ff) {
    const carry = multiplyHigh(w, load<u64>(entry, 8));
    low += carry;
    if (low < carry) high++;
  }
  const upper = <i32>(high >> 63);
  let significand = high >> (upper + 9);
  let binary = ((217706 * q) >> 16) + 63 + upper - zeros + 1023;
  if (binary <= 0) {
    if (binary <= -63) return 0;
    significand >>= 1 - binary;
    return (significand + (significand & 1)) >> 1;
  }
  // A tie: only then all that was cut off is zero.
  if (low <= 1 && q >= -4 && q <= 23 && (significand & 3) == 1 && significand << (upper + 9) == high) {
    significand--;
  }
  significand = (significand + (significand & 1)) >> 1;
  if (significand == 2 * HIDDEN) {
    significand >>= 1;
    binary++;
  }
  if (binary >= 0x7ff) return 0x7ff0000000000000;
  return (significand & FRACTION) | ((<u64>binary) << 52);
}

/** Decides with exact integers between the float64 of these bits and the next one. */
function decideF64(bits: u64): f64 {
  if (bits >= 0x7ff0000000000000) bits = 0x7fefffffffffffff;
  const biased = <i32>(bits >> 52);
  const fraction = bits & FRACTION;
  const significand = biased == 0 ? fraction : fraction | HIDDEN;
  const order = compareWith(2 * significand + 1, max(biased, 1) - 1076);
  const up = order > 0 || (order == 0 && (bits & 1) == 1);
  return reinterpret<f64>(bits + u64(up));
}

function compareWith(significand: u64, binaryExponent: i32): i32 {
  return compareDecimal(digitsFrom, digitsTo, writtenExponent, significand, binaryExponent);
}

/** Powers of ten from 10^-60 to 10^40, each within half a unit in the last place. */
const NEAR_SMALLEST: i32 = -60;
const NEAR_LARGEST: i32 = 40;
const NEAR_POWERS: usize = memory.data(808);
for (let q = NEAR_SMALLEST; q <= NEAR_LARGEST; q++) {
  store<f64>(NEAR_POWERS + ((<usize>(q - NEAR_SMALLEST)) << 3), reinterpret<f64>(eiselLemire(1, q)));
}

/** A float64 has 29 bits that a float32 has not; halfway between two float32 they are these. */
const LOW_BITS: u64 = 0x1fffffff;
const HALFWAY: u64 = 0x10000000;
/**
 * Bound, in units of the last place, on the error of the float64 in `decimalToF32`: half of one for the
 * mantissa, half for the power, half for their product, and what 19 digits leave out.
 */
const ERROR: u64 = 4;
const SMALLEST_NORMAL: f64 = 1.1754943508222875e-38;
const LARGEST_SAFE: f64 = 3.4e38;

/** digits * 10^-power with an error of at most ERROR, for digits below 10^18 and powers up to 60. */
export function nearF32(digits: u64, power: i32): f64 {
  return <f64>(<i64>digits) * load<f64>(NEAR_POWERS + ((<usize>(-power - NEAR_SMALLEST)) << 3));
}

/**
 * Does rounding a float64 that is off by at most `error` units in its last place give the right float32?
 * Otherwise it is too near the middle of two of them, and exact arithmetic must decide. Only for normal
 * float32, and zero.
 */
export function isDecisive(value: f64, error: u64): bool {
  return (reinterpret<u64>(value) & LOW_BITS) - (HALFWAY - error) > 2 * error;
}

/** Does rounding what `nearF32` found give the right float32? */
export function nearIsSafe(value: f64): bool {
  return isDecisive(value, ERROR) && value >= SMALLEST_NORMAL && value <= LARGEST_SAFE;
}

/**
 * The number as float32; infinite beyond its range. A float64 with a known error decides unless it is too
 * near the middle of two float32.
 */
export function decimalToF32(): f32 {
  const q = exponent;
  if (q >= NEAR_SMALLEST && q <= NEAR_LARGEST && <i64>mantissa > 0) {
    const value = nearF32(mantissa, -q);
    if (nearIsSafe(value)) return <f32>(negative ? -value : value);
  }
  return reinterpret<f32>(<u32>narrow(23, 8));
}

/** The number as float16, its bits. */
export function decimalToF16(): u16 {
  return <u16>narrow(10, 5);
}

/** The number as bfloat16, its bits. */
export function decimalToBf16(): u16 {
  return <u16>narrow(7, 8);
}

/**
 * Rounds to a format with fewer bits. The nearest float64 lies on the same side of each middle between two
 * numbers of the format as the decimal itself, except on the middle: there exact integers decide.
 */
function narrow(fractionBits: i32, exponentBits: i32): u64 {
  const wide = reinterpret<u64>(magnitudeF64());
  const sign: u64 = (<u64>negative) << (fractionBits + exponentBits);
  const largestExponent = (1 << exponentBits) - 1;
  const infinity: u64 = (<u64>largestExponent) << fractionBits;
  const biased = <i32>(wide >> 52) - 1023 + (largestExponent >> 1);
  if (biased >= largestExponent) return sign | infinity;
  const significand = (wide & FRACTION) | HIDDEN;
  let cut = 52 - fractionBits;
  if (biased <= 0) cut += 1 - biased;
  if (cut > 54) return sign;
  const middle: u64 = (<u64>1) << (cut - 1);
  const below = significand & (middle + middle - 1);
  let rounded = significand >> cut;
  if (below > middle) rounded++;
  else if (below == middle) {
    const order = compareWith(2 * rounded + 1, <i32>max(wide >> 52, 1) - 1075 + cut - 1);
    if (order > 0 || (order == 0 && (rounded & 1) == 1)) rounded++;
  }
  if (biased > 1) rounded += (<u64>(biased - 1)) << fractionBits;
  return sign | rounded;
}
