import { POWERS_OF_TEN, SMALLEST_POWER } from "./powers-of-ten";
import { multiplyHigh } from "./wide-multiply";

/**
 * Shortest decimal number that reads back as the same float, and of those the closest: Raffaello Giulietti,
 * "The Schubfach way to render doubles", 2020.
 */

/**
 * Result of `shortest32` and `shortest64`: digits * 10^power. Variables of the module, not fields of an
 * object, as each number that is written sets them.
 */
export let digits: u64 = 0;
export let power: i32 = 0;

function floorLog2Pow10(e: i32): i32 {
  return (e * 1741647) >> 19;
}

/** The first 64 bits of 10^k, rounded up. */
function power64(k: i32): u64 {
  const entry = POWERS_OF_TEN + ((<usize>(k - SMALLEST_POWER)) << 4);
  return load<u64>(entry) + u64(load<u64>(entry, 8) != 0);
}

/** floor(g * cp / 2^64), with its last bit set when anything was cut off that matters. */
function roundToOdd32(g: u64, cp: u32): u32 {
  const low = (g & 0xffffffff) * cp;
  const high = (g >> 32) * cp + (low >> 32);
  return <u32>(high >> 32) | u32(<u32>high > 1);
}

/** Sets `digits` * 10^`power` for c * 2^q, c below 2^24. */
export function shortest32(c: u32, q: i32, closer: bool): void {
  const k = (q * 1262611 - (closer ? 524031 : 0)) >> 22;
  const result = choose32(c, power64(-k), q + floorLog2Pow10(-k) + 1, <u32>closer);
  digits = <u32>result;
  power = k + <i32>(result >> 32);
}

/**
 * Digits in the low half, and in the high one whether they are tens. No branch could foretell which candidate
 * it is.
 */
function choose32(c: u32, g: u64, h: i32, closer: u32): u64 {
  const odd = c & 1;
  const lower = roundToOdd32(g, (4 * c - 2 + closer) << h) + odd;
  const value = roundToOdd32(g, (4 * c) << h);
  const upper = roundToOdd32(g, (4 * c + 2) << h) - odd;
  const s: u32 = value >> 2;
  const tens: u32 = s / 10;
  const tensUp = u32(40 * tens + 40 <= upper);
  const shorter = (u32(lower <= 40 * tens) ^ tensUp) & u32(s >= 10);
  const up = u32(4 * s + 4 <= upper);
  const nearer = u32(<i32>(value - (4 * s + 2) + (s & 1)) > 0);
  const longer = s + select<u32>(up, nearer, (u32(lower <= 4 * s) ^ up) != 0);
  return <u64>select<u32>(tens + tensUp, longer, shorter != 0) | ((<u64>shorter) << 32);
}

/**
 * By the exponent of a float32: what its significand is multiplied with and shifted by, and the power of the
 * result.
 */
const FACTORS: usize = memory.data(4096);
for (let exponent: i32 = 1; exponent < 255; exponent++) {
  const q = exponent - 150;
  const k = (q * 1262611) >> 22;
  const entry = FACTORS + ((<usize>exponent) << 4);
  store<u64>(entry, power64(-k));
  store<i32>(entry, q + floorLog2Pow10(-k) + 1, 8);
  store<i32>(entry, k, 12);
}

/**
 * The same for a normal float32 of a biased exponent that is no power of two. @returns the digits in the low
 * half and the power of ten in the high one
 */
export function shortestNormal32(c: u32, exponent: i32): u64 {
  const entry = FACTORS + ((<usize>exponent) << 4);
  return choose32(c, load<u64>(entry), load<i32>(entry, 8), 0) + ((<u64>load<u32>(entry, 12)) << 32);
}

/** As `roundToOdd32`, of a 128-bit power. */
function roundToOdd64(gHigh: u64, gLow: u64, cp: u64): u64 {
  const low = gHigh * cp;
  const sum = low + multiplyHigh(gLow, cp);
  return (multiplyHigh(gHigh, cp) + u64(sum < low)) | u64(sum > 1);
}

/** Sets `digits` * 10^`power` for c * 2^q, c below 2^53. */
export function shortest64(c: u64, q: i32, closer: bool): void {
  if (q <= 0 && q > -53 && (c & (((<u64>1) << -q) - 1)) == 0) {
    digits = c >> -q;
    power = 0;
    return;
  }
  const odd = c & 1;
  const k = (q * 1262611 - (closer ? 524031 : 0)) >> 22;
  const h = q + floorLog2Pow10(-k) + 1;
  const entry = POWERS_OF_TEN + ((<usize>(-k - SMALLEST_POWER)) << 4);
  let gHigh = load<u64>(entry);
  let gLow = load<u64>(entry, 8);
  // Here the power must be rounded up wherever it is not exact.
  if (-k < -27 || -k > 55) {
    gLow++;
    gHigh += u64(gLow == 0);
  }
  const lower = roundToOdd64(gHigh, gLow, (4 * c - 2 + <u64>closer) << h) + odd;
  const value = roundToOdd64(gHigh, gLow, (4 * c) << h);
  const upper = roundToOdd64(gHigh, gLow, (4 * c + 2) << h) - odd;
  const s: u64 = value >> 2;
  if (s >= 10) {
    const tens: u64 = s / 10;
    const downInside = lower <= 40 * tens;
    const upInside = 40 * tens + 40 <= upper;
    if (downInside != upInside) {
      digits = tens + u64(upInside);
      power = k + 1;
      return;
    }
  }
  const downInside = lower <= 4 * s;
  const upInside = 4 * s + 4 <= upper;
  const middle: u64 = 4 * s + 2;
  const up = downInside != upInside ? upInside : value > middle || (value == middle && (s & 1) != 0);
  digits = s + u64(up);
  power = k;
}
