import { digitCount, writeDigits } from "./integer-text";
import { POWERS_OF_TEN, SMALLEST_POWER } from "./powers-of-ten";

/**
 * Shortest decimal text that reads back as the same float32, and of those the closest: Raffaello Giulietti, "The
 * Schubfach way to render doubles", 2020, with the sizes of float32.
 */

/** Longest text, such as `-0.000012345678`, with room to spare. */
export const MAX_F32_TEXT: i32 = 24;

let digits: u32 = 0;
let power: i32 = 0;

function floorLog2Pow10(e: i32): i32 {
  return (e * 1741647) >> 19;
}

/** floor(g * cp / 2^64), with its last bit set when anything was cut off that matters. */
function roundToOdd(g: u64, cp: u32): u32 {
  const low = (g & 0xffffffff) * cp;
  const high = (g >> 32) * cp + (low >> 32);
  return <u32>(high >> 32) | <u32>(<u32>high > 1);
}

/** Sets `digits` * 10^`power` for the bits of a positive, finite float32. */
function shortest(bits: u32): void {
  const fraction = bits & 0x7fffff;
  const exponent = <i32>(bits >> 23);
  const c: u32 = exponent == 0 ? fraction : fraction | 0x800000;
  const q = max(exponent, 1) - 150;
  if (q <= 0 && q > -24 && (c & ((1 << -q) - 1)) == 0) {
    digits = c >> -q;
    power = 0;
    return;
  }
  const even = (c & 1) == 0;
  const closer = fraction == 0 && exponent > 1;
  const k = (q * 1262611 - (closer ? 524031 : 0)) >> 22;
  const h = q + floorLog2Pow10(-k) + 1;
  const g = load<u64>(POWERS_OF_TEN + ((<usize>(-k - SMALLEST_POWER)) << 3));
  const lower = roundToOdd(g, (4 * c - 2 + <u32>closer) << h) + <u32>!even;
  const value = roundToOdd(g, (4 * c) << h);
  const upper = roundToOdd(g, (4 * c + 2) << h) - <u32>!even;
  const s: u32 = value >> 2;
  if (s >= 10) {
    const tens: u32 = s / 10;
    const downInside = lower <= 40 * tens;
    const upInside = <u32>(40 * tens + 40) <= upper;
    if (downInside != upInside) {
      digits = tens + <u32>upInside;
      power = k + 1;
      return;
    }
  }
  const downInside = lower <= 4 * s;
  const upInside = <u32>(4 * s + 4) <= upper;
  const middle: u32 = 4 * s + 2;
  const up = downInside != upInside ? upInside : value > middle || (value == middle && (s & 1) != 0);
  digits = s + <u32>up;
  power = k;
}

const NULL_TEXT: u32 = 0x6c6c756e;

/**
 * Writes `value` as a JSON number, at most MAX_F32_TEXT bytes: `0.1`, `3.0`, `1.5e-8`. NaN and the infinities, which
 * JSON does not have, become `null`. @returns the byte after it.
 */
export function writeF32(value: f32, out: usize): usize {
  const bits = reinterpret<u32>(value);
  if ((bits & 0x7f800000) == 0x7f800000) {
    store<u32>(out, NULL_TEXT);
    return out + 4;
  }
  if (bits >> 31) store<u8>(out++, 0x2d);
  if ((bits & 0x7fffffff) == 0) return writePlain(0, 1, 1, out);
  shortest(bits & 0x7fffffff);
  while (digits % 10 == 0) {
    digits /= 10;
    power++;
  }
  const count = digitCount(digits);
  const point = count + power;
  return point > -5 && point <= 16
    ? writePlain(digits, count, point, out)
    : writeScientific(count, point, out);
}

/** `count` digits with the point after the first `point` of them, which may lie outside of them. */
function writePlain(value: u64, count: i32, point: i32, out: usize): usize {
  if (point <= 0) {
    store<u16>(out, 0x2e30);
    memory.fill(out + 2, 0x30, -point);
    return writeDigits(value, count, out + 2 - point);
  }
  if (point >= count) {
    const end = writeDigits(value, count, out);
    const zeros = point - count;
    memory.fill(end, 0x30, zeros);
    store<u16>(end + zeros, 0x302e);
    return end + zeros + 2;
  }
  const end = writeDigits(value, count, out + 1);
  memory.copy(out, out + 1, point);
  store<u8>(out + point, 0x2e);
  return end;
}

function writeScientific(count: i32, point: i32, out: usize): usize {
  let end = writeDigits(digits, count, out + 1);
  store<u8>(out, load<u8>(out + 1));
  store<u8>(out + 1, 0x2e);
  if (count == 1) end--;
  store<u8>(end++, 0x65);
  let exponent = point - 1;
  if (exponent < 0) {
    store<u8>(end++, 0x2d);
    exponent = -exponent;
  }
  return writeDigits(exponent, digitCount(exponent), end);
}
