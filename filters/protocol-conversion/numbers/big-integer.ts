/** Exact comparison of a decimal number with a binary one, by integers of up to 2048 bits in fixed memory. */

const LIMBS: i32 = 64;
const left: usize = memory.data(256);
const right: usize = memory.data(256);

/** No binary number compared here has more significant decimal digits; further ones only say "a little more". */
const MAX_DIGITS: i32 = 160;

/**
 * Compares the decimal digits of [from, to), which may hold one point, times 10^exponent, with
 * significand * 2^binaryExponent. The decimal lies within the range of float32, so that 2048 bits suffice.
 * @returns negative, 0 or positive, as the decimal is smaller, equal or greater.
 */
export function compareDecimal(
  from: usize,
  to: usize,
  exponent: i32,
  significand: u64,
  binaryExponent: i32,
): i32 {
  memory.fill(left, 0, LIMBS * 4);
  memory.fill(right, 0, LIMBS * 4);
  let taken: i32 = 0;
  let pointSeen = false;
  let more = false;
  for (let at = from; at < to; at++) {
    const c = load<u8>(at);
    if (c == 0x2e) {
      pointSeen = true;
      continue;
    }
    const digit = <u32>(c - 0x30);
    if (taken == 0 && digit == 0) {
      if (pointSeen) exponent--;
      continue;
    }
    if (taken < MAX_DIGITS) {
      multiplyAdd(left, 10, digit);
      taken++;
      if (pointSeen) exponent--;
    } else {
      if (digit != 0) more = true;
      if (!pointSeen) exponent++;
    }
  }
  store<u64>(right, significand);
  const scaled = exponent < 0 ? right : left;
  for (let i = abs(exponent); i > 0; i--) multiplyAdd(scaled, 10, 0);
  shiftLeft(binaryExponent < 0 ? left : right, abs(binaryExponent));
  const order = compare();
  return order == 0 && more ? 1 : order;
}

function multiplyAdd(number: usize, factor: u64, addend: u64): void {
  let carry = addend;
  for (let i: i32 = 0; i < LIMBS; i++) {
    const limb = number + (i << 2);
    carry += <u64>load<u32>(limb) * factor;
    store<u32>(limb, <u32>carry);
    carry >>= 32;
  }
}

function shiftLeft(number: usize, bits: i32): void {
  for (; bits >= 31; bits -= 31) multiplyAdd(number, (<u64>1) << 31, 0);
  multiplyAdd(number, (<u64>1) << bits, 0);
}

function compare(): i32 {
  for (let i: i32 = LIMBS - 1; i >= 0; i--) {
    const a = load<u32>(left + (i << 2));
    const b = load<u32>(right + (i << 2));
    if (a != b) return a < b ? -1 : 1;
  }
  return 0;
}
