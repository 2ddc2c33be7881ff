import { Char } from "../../sdk/bytes/chars";
import { digitCount, digitCount32, eightDigitText, writeDigits } from "./digits";
import { halfToFloat } from "./half";
import { LARGEST_PLACED, placeDigits, SMALLEST_PLACED } from "./placed-digits";
import { digits, power, shortest32, shortest64, shortestNormal32 } from "./schubfach";

/** Shortest decimal text that reads back as the same float, and of those the closest. */

/** Longest text, `-0.00001234567890123456789` or so, with what is written behind it. */
export const MAX_FLOAT_TEXT: i32 = 48;

/** What becomes of NaN and the infinities, which JSON does not have. */
export enum NonFinite {
  Null,
  Error,
  /** `"NaN"`, `"Infinity"`, `"-Infinity"`. */
  String,
  /**
   * The same without quotes, which is no JSON, though TensorFlow Serving, Python and others write and read
   * it.
   */
  Token,
}

/**
 * The policy in force; whoever writes numbers sets it before. A variable of the module, as is
 * `nonFiniteSeen`: every number that is written would carry both else.
 */
export let nonFinite: NonFinite = NonFinite.Null;
/** A NaN or an infinity was written as `null` although the policy says error. */
export let nonFiniteSeen: bool = false;

export function setNonFinite(policy: NonFinite): void {
  nonFinite = policy;
  nonFiniteSeen = false;
}

const NULL_TEXT: u32 = 0x6c6c756e;
const NAN_TEXT: u64 = 0x22_4e_61_4e_22; // "NaN"
const INFINITY_START: u64 = 0x74_69_6e_69_66_6e_49_22; // "Infinit
const INFINITY_END: u16 = 0x22_79; // y"

function writeNonFinite(nan: bool, minus: bool, out: usize): usize {
  if (nonFinite < NonFinite.String) {
    nonFiniteSeen = nonFiniteSeen || nonFinite == NonFinite.Error;
    store<u32>(out, NULL_TEXT);
    return out + 4;
  }
  if (nonFinite == NonFinite.Token) {
    store<u64>(out + <usize>minus, INFINITY_START >> 8);
    if (minus) store<u8>(out, Char.MINUS);
    store<u8>(out + <usize>minus + 7, Char.y);
    if (nan) store<u32>(out, <u32>(NAN_TEXT >> 8));
    return out + (nan ? 3 : 8 + <usize>minus);
  }
  if (nan) {
    store<u64>(out, NAN_TEXT);
    return out + 5;
  }
  store<u64>(out + <usize>minus, INFINITY_START);
  if (minus) store<u16>(out, 0x2d22);
  store<u16>(out + <usize>minus + 8, INFINITY_END);
  return out + <usize>minus + 10;
}

/**
 * Biased exponent of float32 below 8. They lie closer together than millionths: at most one number of six
 * decimals reads back as any of them, and if one does no other is shorter. Division tells, as both its
 * operands are exact.
 */
const LARGEST_MILLIONTHS: i32 = 129;
/**
 * Is it worth a look? Not from the first float32 on that is no such number; callers say when other data
 * begin.
 */
let millionthsLikely: bool = true;

export function expectMillionths(): void {
  millionthsLikely = true;
}

/** 2^52: a float64 with this added has its rounded value in its lowest bits. */
const ROUNDING: f64 = 4503599627370496;

/**
 * Writes `value` as a JSON number, at most MAX_FLOAT_TEXT bytes: `0.1`, `3.0`, `1.5e-8`.
 * @returns the byte after it
 */
export function writeF32(value: f32, out: usize): usize {
  const bits = reinterpret<u32>(value);
  const fraction = bits & 0x7fffff;
  const exponent = <i32>((bits >> 23) & 0xff);
  if (<u32>(exponent - 1) >= 0xfe) return writeRare(bits >> 31 != 0, fraction, exponent, out);
  store<u8>(out, Char.MINUS);
  out += bits >> 31;
  if (millionthsLikely && exponent <= LARGEST_MILLIONTHS) {
    const magnitude = reinterpret<f32>(bits & 0x7fffffff);
    const millionths = <u32>reinterpret<u64>(<f64>magnitude * 1e6 + ROUNDING);
    if (<f32>(<i32>millionths) / 1e6 == magnitude) return writeShortest32(millionths, -6, out);
    millionthsLikely = false;
  }
  const c = fraction | 0x800000;
  const q = exponent - 150;
  if (fraction == 0) {
    shortest32(c, q, exponent > 1);
    return writeShortest32(<u32>digits, power, out);
  }
  if (q <= 0 && q > -24 && (c & ((1 << -q) - 1)) == 0) return writeShortest32(c >> -q, 0, out);
  const shortest = shortestNormal32(c, exponent);
  return writeShortest32(<u32>shortest, <i32>(shortest >> 32), out);
}

/** As `writeF32`, of a float16's bits: readers take the text for a float32, so it is that one's. */
export function writeF16(bits: u32, out: usize): usize {
  return writeF32(halfToFloat(bits), out);
}

/** As `writeF16`, of a bfloat16's bits. */
export function writeBf16(bits: u32, out: usize): usize {
  return writeF32(reinterpret<f32>(bits << 16), out);
}

/** Writes zero, a subnormal number, or what is not finite. */
function writeRare(minus: bool, fraction: u32, exponent: i32, out: usize): usize {
  if (exponent == 0xff) return writeNonFinite(fraction != 0, minus, out);
  store<u8>(out, Char.MINUS);
  out += <usize>minus;
  if (fraction == 0) return writeZero(out);
  shortest32(fraction, -149, false);
  return writeShortest32(<u32>digits, power, out);
}

/** Writes `value` * 10^`power`, of at most nine digits, without zeros at its end. */
function writeShortest32(value: u32, power: i32, out: usize): usize {
  const count = digitCount32(value);
  const point = count + power;
  if (point >= SMALLEST_PLACED && point <= LARGEST_PLACED) return placeDigits(value, count, point, out);
  // n is a multiple of 10^k exactly if n times the inverse of 5^k, rotated by k, is at most the quotient of
  // the largest n, and then that is n / 10^k (Granlund and Montgomery, "Division by invariant integers",
  // 1994, section 9).
  while (true) {
    const tenth = rotr<u32>(value * 0xcccccccd, 1);
    if (tenth > u32.MAX_VALUE / 10) break;
    value = tenth;
    power++;
  }
  return writeDecimal(value, power, out);
}

/** As `writeF32`, of a float64. */
export function writeF64(value: f64, out: usize): usize {
  const bits = reinterpret<u64>(value);
  const minus = bits >> 63 != 0;
  const fraction = bits & 0xfffffffffffff;
  const exponent = <i32>((bits >> 52) & 0x7ff);
  if (exponent == 0x7ff) return writeNonFinite(fraction != 0, minus, out);
  store<u8>(out, Char.MINUS);
  out += usize(minus);
  if (bits << 1 == 0) return writeZero(out);
  const c: u64 = exponent == 0 ? fraction : fraction | 0x10000000000000;
  shortest64(c, max(exponent, 1) - 1075, fraction == 0 && exponent > 1);
  let short = digits;
  let scale = power;
  while (true) {
    const hundredth = rotr<u64>(short * 0x8f5c28f5c28f5c29, 2);
    if (hundredth > u64.MAX_VALUE / 100) break;
    short = hundredth;
    scale += 2;
  }
  const tenth = rotr<u64>(short * 0xcccccccccccccccd, 1);
  if (tenth <= u64.MAX_VALUE / 10) {
    short = tenth;
    scale++;
  }
  return writeDecimal(short, scale, out);
}

function writeZero(out: usize): usize {
  store<u32>(out, 0x302e30);
  return out + 3;
}

const LEADING_ZEROS: u64 = 0x30_30_30_30_30_30_2e_30; // 0.000000
const ASCII_ZEROS: u64 = 0x3030303030303030;
/** Plain text for exponents where Python and JavaScript write plain text too. */
const SMALLEST_PLAIN: i32 = -4;
const LARGEST_PLAIN: i32 = 16;

/** Writes `value` * 10^`power`. */
function writeDecimal(value: u64, power: i32, out: usize): usize {
  const count = digitCount(value);
  const point = count + power;
  if (point <= 0) {
    if (point < SMALLEST_PLAIN) return writeScientific(value, count, point - 1, out);
    store<u64>(out, LEADING_ZEROS);
    return writeDigits(value, count, out + 2 - point);
  }
  if (point > LARGEST_PLAIN) return writeScientific(value, count, point - 1, out);
  if (point >= count) {
    const end = writeDigits(value, count, out);
    store<u64>(end, ASCII_ZEROS);
    store<u64>(end, ASCII_ZEROS, 8);
    store<u16>(end + point - count, 0x302e);
    return end + point - count + 2;
  }
  if (count <= 8) {
    const word = eightDigitText(<u32>value) >> (64 - (count << 3));
    store<u64>(out, word);
    store<u64>(out + point + 1, word >> (point << 3));
  } else writeLongPlain(value, count, point, out);
  store<u8>(out + point, Char.DOT);
  return out + count + 1;
}

/** Writes 9 to 17 digits with room for a point behind the first `point` of them. */
function writeLongPlain(value: u64, count: i32, point: i32, out: usize): void {
  const upper = value / 100000000;
  const last = eightDigitText(<u32>(value - upper * 100000000));
  let first: u64;
  let left = count - 8;
  if (left > 8) {
    const leading = upper / 100000000;
    first = eightDigitText(<u32>(upper - leading * 100000000));
    store<u8>(out, Char._0 + <u8>leading);
    left = 8;
    // The point behind the first digit moves all others.
    if (point == 1) {
      store<u64>(out + 2, first);
      store<u64>(out + 10, last);
      return;
    }
    out++;
    point--;
  } else first = eightDigitText(<u32>upper) >> (64 - (left << 3));
  store<u64>(out, first);
  if (point <= left) {
    store<u64>(out + point + 1, first >> (point << 3));
    store<u64>(out + left + 1, last);
  } else {
    store<u64>(out + left, last);
    store<u64>(out + point + 1, last >> ((point - left) << 3));
  }
}

function writeScientific(value: u64, count: i32, exponent: i32, out: usize): usize {
  let end = writeDigits(value, count, out + 1);
  store<u8>(out, load<u8>(out + 1));
  store<u8>(out + 1, Char.DOT);
  if (count == 1) end--;
  store<u8>(end++, Char.e);
  if (exponent < 0) {
    store<u8>(end++, Char.MINUS);
    exponent = -exponent;
  }
  return writeDigits(exponent, digitCount(exponent), end);
}
