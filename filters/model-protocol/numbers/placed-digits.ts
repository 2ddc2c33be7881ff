import { eightDigitText } from "./digits";

/** Decimal text of up to nine digits and a point by one shuffle, whatever there are of each. */

const LANES: i32 = 16;
/** Digits that stand before the point, at least and at most: those below zero are zeros behind it. */
export const SMALLEST_PLACED: i32 = -4;
export const LARGEST_PLACED: i32 = 14;
const POINTS: i32 = LARGEST_PLACED - SMALLEST_PLACED + 1;
const MOST_DIGITS: i32 = 9;

/**
 * What is shuffled: `0` and `.` to be put anywhere, the first of nine digits in the last of these lanes,
 * eight behind.
 */
const FIRST_LANES: u64 = 0x30_00_00_00_00_00_2e_30;
const ZERO_LANE: u8 = 0;
const POINT_LANE: u8 = 1;

/** Shuffles of 16 bytes, by the number of digits and the place of the point. */
const PLACES: usize = memory.data(2736); // MOST_DIGITS * POINTS * LANES
for (let count: i32 = 1; count <= MOST_DIGITS; count++) {
  for (let point = SMALLEST_PLACED; point <= LARGEST_PLACED; point++) {
    const row = places(count, point);
    const zeros = max(1 - point, 0);
    for (let lane: i32 = 0; lane < LANES; lane++) {
      const before = max(point, 1);
      const digit = lane - zeros - i32(lane > before);
      const from = digit < 0 || digit >= count ? ZERO_LANE : <u8>(LANES - count + digit);
      store<u8>(row + lane, lane == before ? POINT_LANE : from);
    }
  }
}

/** By the place of the point: what comes on top of the digits, and the least length. */
const LENGTHS: usize = memory.data(38); // 2 * POINTS
for (let point = SMALLEST_PLACED; point <= LARGEST_PLACED; point++) {
  const row = LENGTHS + ((<usize>(point - SMALLEST_PLACED)) << 1);
  store<u8>(row, <u8>max(2 - point, 1));
  store<u8>(row, <u8>(max(point, 1) + 2), 1);
}

function places(count: i32, point: i32): usize {
  return PLACES + ((<usize>((count - 1) * POINTS + point - SMALLEST_PLACED)) << 4);
}

/**
 * Writes the `count` digits of `value`, below 10^9 and not 0, with the point behind `point` of them, without
 * zeros at the end but one behind the point. 16 bytes may change. @returns the byte after the text
 */
export function placeDigits(value: u32, count: i32, point: i32, out: usize): usize {
  const first: u32 = value / 100000000;
  const others = eightDigitText(value - first * 100000000);
  const lanes = i64x2.replace_lane(i64x2.splat(others), 0, FIRST_LANES + ((<u64>first) << 56));
  v128.store(out, i8x16.swizzle(lanes, v128.load(places(count, point))));
  const kept = count - (<i32>clz<u64>(others ^ ASCII_ZEROS) >> 3);
  const lengths = LENGTHS + ((<usize>(point - SMALLEST_PLACED)) << 1);
  return out + max<i32>(kept + <i32>load<u8>(lengths), <i32>load<u8>(lengths, 1));
}

const ASCII_ZEROS: u64 = 0x3030303030303030;
