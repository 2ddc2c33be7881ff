import { Char } from "../../sdk/bytes/chars";
import { compareDecimal } from "./big-integer";
import { digitCount, writeDigits } from "./digits";
import { LARGEST_POWER, POWERS_OF_TEN, SMALLEST_POWER } from "./powers-of-ten";
import { multiplyHigh } from "./wide-multiply";

/**
 * A float's first decimal digits, rounded to nearest, ties to even, as printf rounds: one multiplication of
 * 192 bits with a power of ten (Ulf Adams, "Ryu revisited: printf floating point conversion", 2019, does the
 * same with larger tables), and exact integers where that cannot tell a tie.
 */

const POWERS = memory.data<u64>([
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
  1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
  1000000000000000000,
]);

function powerOfTen(power: i32): u64 {
  return load<u64>(POWERS + ((<usize>power) << 3));
}

/** What `scale` sets: value = (whole + rest * 2^-64, and a little more if `sticky`) * 10^-power. */
let whole: u64 = 0;
let rest: u64 = 0;
let sticky: bool = false;
let power: i32 = 0;

const HALF: u64 = 0x8000000000000000;
/** Powers of ten in this range are exact in the table. */
const LARGEST_EXACT: i32 = 55;
/**
 * By how much `rest` may be off: for a power that the table cuts off, and where the float was cut off too.
 */
const CUT_POWER: u64 = 1;
const CUT_FLOAT: u64 = (<u64>1) << 61;

function floorLog2Pow10(e: i32): i32 {
  return (e * 1741647) >> 19;
}

function floorLog10Pow2(e: i32): i32 {
  return (e * 1262611) >> 22;
}

/** Scales c * 2^q, not zero, so that it has `count` digits before the point, or one more; at most 17. */
export function scale(c: u64, q: i32, count: i32): void {
  let zeros = <i32>clz<u64>(c);
  let w = c << zeros;
  power = count - 1 - floorLog10Pow2(q + 63 - zeros);
  let margin: u64 = power >= 0 && power <= LARGEST_EXACT ? 0 : CUT_POWER;
  const beyond = power - LARGEST_POWER;
  if (beyond > 0) {
    // Of the smallest float64: the power is split.
    const factor = powerOfTen(beyond);
    const high = multiplyHigh(w, factor);
    const shift = clz<u64>(high);
    w = (high << shift) | (shift == 0 ? 0 : (w * factor) >> (64 - shift));
    zeros += <i32>shift - 64;
    margin = CUT_FLOAT;
  }
  const tabled = min(power, LARGEST_POWER);
  const entry = POWERS_OF_TEN + ((<usize>(tabled - SMALLEST_POWER)) << 4);
  const high = load<u64>(entry);
  const low = load<u64>(entry, 8);
  let middle = w * high;
  const carry = multiplyHigh(w, low);
  middle += carry;
  const top = multiplyHigh(w, high) + <u64>(middle < carry);
  /** So many of the product's 192 bits stand before the point. */
  const bits = q - zeros + floorLog2Pow10(tabled) + 65;
  whole = top >> (64 - bits);
  rest = (top << bits) | (middle >> (64 - bits));
  sticky = ((middle << bits) | (w * low)) != 0;
  if (margin > 0 && (rest << 1) + 2 * margin <= 4 * margin) decide(c, q, margin);
}

const digits: usize = memory.data(64);

/**
 * c * 2^q * 10^power is within `margin` of a half or whole number: finds with exact integers on which side.
 */
function decide(c: u64, q: i32, margin: u64): void {
  const half = rest - HALF + margin <= 2 * margin;
  if (!half && rest > HALF) whole++;
  const end = writeDigits(whole, digitCount(whole), digits);
  store<u8>(end, Char._5);
  const order = compareDecimal(digits, end + <usize>half, half ? -power - 1 : -power, c, q);
  rest = half ? HALF : 0;
  sticky = order != 0;
  if (order <= 0) return;
  rest--;
  if (!half) whole--;
}

/**
 * What `round` sets: the digits as one number, and the decimal exponent of the first. Variables of the
 * module, not fields of an object, as each number that is written sets them.
 */
export let rounded: u64 = 0;
export let firstExponent: i32 = 0;

/** Rounds what `scale` found to `count` digits, no more than it was asked for. */
export function round(count: i32): void {
  const length = digitCount(whole);
  const unit = powerOfTen(length - count);
  rounded = whole / unit;
  const over = whole - rounded * unit;
  const odd = (rounded & 1) != 0;
  let up: bool;
  if (unit == 1) up = rest > HALF || (rest == HALF && (sticky || odd));
  else up = 2 * over > unit || (2 * over == unit && (rest != 0 || sticky || odd));
  rounded += <u64>up;
  firstExponent = length - 1 - power;
  if (rounded < powerOfTen(count)) return;
  rounded /= 10;
  firstExponent++;
}

/**
 * May a number of `count` digits be within `reach` of the value? In units of the last digit that `scale` was
 * asked for,
 * `asked` of them.
 */
export function nearShorter(count: i32, asked: i32, reach: u64): bool {
  const length = digitCount(whole);
  const unit = powerOfTen(length - count);
  const over = whole % unit;
  return min(over, unit - over) <= (length > asked ? reach * 10 : reach);
}
