import { Char } from "../../sdk/bytes/chars";

/** Exact comparison of a decimal number with a binary one, by integers of up to 6144 bits in fixed memory. */

const BYTES: i32 = 768;
const left: usize = memory.data(768);
const right: usize = memory.data(768);
/** Limbs in use: those above are zero. */
let leftLimbs: i32 = 0;
let rightLimbs: i32 = 0;

/**
 * The middle of two float64 has at most 767 significant decimal digits; further ones only say "a little
 * more".
 */
const MAX_DIGITS: i32 = 770;
const BILLION: u64 = 1_000_000_000;

/**
 * Compares the decimal digits of [from, to), which may hold one point, times 10^exponent, with
 * significand * 2^binaryExponent. Both lie within the range of float64, give or take a digit.
 * @returns negative, 0 or positive, as the decimal is smaller, equal or greater.
 */
export function compareDecimal(
  from: usize,
  to: usize,
  exponent: i32,
  significand: u64,
  binaryExponent: i32,
): i32 {
  memory.fill(left, 0, BYTES);
  memory.fill(right, 0, BYTES);
  leftLimbs = 1;
  rightLimbs = 2;
  let taken: i32 = 0;
  let pointSeen = false;
  let more = false;
  let batch: u64 = 0;
  let batchScale: u64 = 1;
  for (let at = from; at < to; at++) {
    const c = load<u8>(at);
    if (c == Char.DOT) {
      pointSeen = true;
      continue;
    }
    const digit = <u64>(c - Char._0);
    if (taken == 0 && digit == 0) {
      if (pointSeen) exponent--;
    } else if (taken < MAX_DIGITS) {
      batch = batch * 10 + digit;
      batchScale *= 10;
      if (batchScale == BILLION) {
        leftLimbs = multiplyAdd(left, leftLimbs, BILLION, batch);
        batch = 0;
        batchScale = 1;
      }
      taken++;
      if (pointSeen) exponent--;
    } else {
      if (digit != 0) more = true;
      if (!pointSeen) exponent++;
    }
  }
  leftLimbs = multiplyAdd(left, leftLimbs, batchScale, batch);
  store<u64>(right, significand);
  if (exponent < 0) rightLimbs = multiplyByPowerOfTen(right, rightLimbs, -exponent);
  else leftLimbs = multiplyByPowerOfTen(left, leftLimbs, exponent);
  if (binaryExponent < 0) leftLimbs = shiftLeft(left, leftLimbs, -binaryExponent);
  else rightLimbs = shiftLeft(right, rightLimbs, binaryExponent);
  const order = compare();
  return order == 0 && more ? 1 : order;
}

/** @returns how many limbs the product has */
function multiplyAdd(number: usize, limbs: i32, factor: u64, addend: u64): i32 {
  let carry = addend;
  for (let i: i32 = 0; i < limbs; i++) {
    const limb = number + (i << 2);
    carry += <u64>load<u32>(limb) * factor;
    store<u32>(limb, <u32>carry);
    carry >>= 32;
  }
  if (carry == 0) return limbs;
  store<u32>(number + (limbs << 2), <u32>carry);
  return limbs + 1;
}

function multiplyByPowerOfTen(number: usize, limbs: i32, power: i32): i32 {
  for (; power >= 9; power -= 9) limbs = multiplyAdd(number, limbs, BILLION, 0);
  let rest: u64 = 1;
  for (; power > 0; power--) rest *= 10;
  return multiplyAdd(number, limbs, rest, 0);
}

function shiftLeft(number: usize, limbs: i32, bits: i32): i32 {
  const whole = bits >> 5;
  memory.copy(number + (whole << 2), number, limbs << 2);
  memory.fill(number, 0, whole << 2);
  return multiplyAdd(number, limbs + whole, (<u64>1) << (bits & 31), 0);
}

function compare(): i32 {
  for (let i: i32 = max(leftLimbs, rightLimbs) - 1; i >= 0; i--) {
    const a = load<u32>(left + (i << 2));
    const b = load<u32>(right + (i << 2));
    if (a != b) return a < b ? -1 : 1;
  }
  return 0;
}
