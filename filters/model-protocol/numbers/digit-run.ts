/**
 * Numbers of up to 16 characters, or the first 16 of longer ones, in a few vector instructions and no loop.
 * Constants are parameters: callers load them once, before their loops, where V8 would make each anew
 * wherever it is used.
 */

/** How many characters are taken at once, a point included. */
export const RUN: i32 = 16;
const WIDTHS: i32 = RUN + 1;

/**
 * By the place of the point and the length, in 16 bytes each: a shuffle that moves digits to the end of the
 * vector and drops the point. A number without a point has its place at its end.
 */
const ALIGNMENTS: usize = memory.data(4624); // WIDTHS * WIDTHS * RUN
for (let point: i32 = 0; point < WIDTHS; point++) {
  for (let length = point; length < WIDTHS; length++) {
    const digits = point < length ? length - 1 : length;
    const row = ALIGNMENTS + ((<usize>runShape(point, length)) << 4);
    for (let lane: i32 = 0; lane < RUN; lane++) {
      const digit = lane - (RUN - digits);
      // Lanes that no index selects are zero.
      store<u8>(row + lane, digit < 0 ? 0xff : <u8>(digit < point ? digit : digit + 1));
    }
  }
}

/** Index of a place of the point, at most the length, and a length up to RUN. */
export function runShape(point: i32, length: i32): i32 {
  return point * WIDTHS + length;
}

export const ZEROS = memory.data<u8>([
  0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30,
]);
export const TENS = memory.data<u16>([10, 10, 10, 10, 10, 10, 10, 10]);
export const LOW_BYTES = memory.data<u16>([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
export const HUNDREDS = memory.data<u16>([100, 1, 100, 1, 100, 1, 100, 1]);
export const TEN_THOUSANDS = memory.data<u16>([10000, 1, 10000, 1, 10000, 1, 10000, 1]);

/** Value of the digits of a shape's characters at `at`; RUN bytes must be readable. */
export function runValue(
  at: usize,
  shape: i32,
  zeros: v128,
  tens: v128,
  lowBytes: v128,
  hundreds: v128,
  tenThousands: v128,
): i64 {
  const characters = i8x16.sub(v128.load(at), zeros);
  let lanes = i8x16.swizzle(characters, v128.load(ALIGNMENTS + ((<usize>shape) << 4)));
  // 16 digits -> 8 pairs -> 4 of four -> 2 of eight.
  lanes = v128.and(i16x8.add(i16x8.mul(lanes, tens), i16x8.shr_u(lanes, 8)), lowBytes);
  lanes = i32x4.dot_i16x8_s(lanes, hundreds);
  lanes = i32x4.dot_i16x8_s(i16x8.narrow_i32x4_s(lanes, lanes), tenThousands);
  const halves = i64x2.extract_lane(lanes, 0);
  return (halves & 0xffffffff) * 100000000 + (halves >> 32);
}

/** A bit for each of the 64 bytes from `at`, the first the lowest: is it something else than a digit? */
export function nonDigitMask(at: usize): u64 {
  // '0' to '9' become the ten smallest signed bytes.
  const shift = i8x16.splat(0x50);
  const nine = i8x16.splat(-119);
  return mask(
    i8x16.gt_s(i8x16.add(v128.load(at), shift), nine),
    i8x16.gt_s(i8x16.add(v128.load(at, 16), shift), nine),
    i8x16.gt_s(i8x16.add(v128.load(at, 32), shift), nine),
    i8x16.gt_s(i8x16.add(v128.load(at, 48), shift), nine),
  );
}

/** As `nonDigitMask`: is it `value`? */
export function byteMask(at: usize, value: u8): u64 {
  const values = i8x16.splat(value);
  return mask(
    i8x16.eq(v128.load(at), values),
    i8x16.eq(v128.load(at, 16), values),
    i8x16.eq(v128.load(at, 32), values),
    i8x16.eq(v128.load(at, 48), values),
  );
}

function mask(a: v128, b: v128, c: v128, d: v128): u64 {
  const low: u32 = <u32>i8x16.bitmask(a) | ((<u32>i8x16.bitmask(b)) << 16);
  const high: u32 = <u32>i8x16.bitmask(c) | ((<u32>i8x16.bitmask(d)) << 16);
  return <u64>low | ((<u64>high) << 32);
}
