import { Char } from "../../sdk/bytes/chars";

/** Decimal digits as bytes, eight at a time in a word, without branches or tables of text. */

const ASCII_ZEROS: u64 = 0x3030303030303030;
const POWERS = memory.data<u64>([
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
  1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
  1000000000000000000, 10000000000000000000,
]);

/** How many decimal digits `value` has; 1 for zero. */
export function digitCount(value: u64): i32 {
  const guess = <i32>((64 - clz<u64>(value | 1)) * 1233) >> 12;
  return guess + i32(value >= load<u64>(POWERS + ((<usize>guess) << 3)) || value == 0);
}

/** As `digitCount`, for a value that is not 0. */
export function digitCount32(value: u32): i32 {
  const guess: u32 = ((32 - clz<u32>(value)) * 1233) >> 12;
  return <i32>guess + i32(value >= load<u32>(POWERS + (guess << 3)));
}

/** Eight digits of a number below 10^8 as text, the first in the lowest byte. */
export function eightDigitText(value: u32): u64 {
  const upper: u32 = value / 10000;
  let word: u64 = <u64>upper | ((<u64>(value - upper * 10000)) << 32);
  let quotients = ((word * 10486) >> 20) & 0x7f0000007f;
  word = quotients | ((word - quotients * 100) << 16);
  quotients = ((word * 103) >> 10) & 0xf000f000f000f;
  word = quotients | ((word - quotients * 10) << 8);
  return word | ASCII_ZEROS;
}

/**
 * Writes the `count` digits of `value`; up to eight bytes behind them may change.
 * @returns the byte after them
 */
export function writeDigits(value: u64, count: i32, out: usize): usize {
  if (count > 8) {
    const upper = value / 100000000;
    const left = count - 8;
    if (left > 8) {
      const first = upper / 100000000;
      writeShort(<u32>first, left - 8, out);
      store<u64>(out + left - 8, eightDigitText(<u32>(upper - first * 100000000)));
    } else writeShort(<u32>upper, left, out);
    store<u64>(out + left, eightDigitText(<u32>(value - upper * 100000000)));
  } else writeShort(<u32>value, count, out);
  return out + count;
}

function writeShort(value: u32, count: i32, out: usize): void {
  store<u64>(out, eightDigitText(value) >> (64 - (count << 3)));
}

/**
 * Longest integer of 64 bits: a minus sign and 19 digits, or 20 digits; with what `writeDigits` changes
 * behind.
 */
export const MAX_INTEGER_TEXT: i32 = 28;

export function writeU64(value: u64, out: usize): usize {
  return writeDigits(value, digitCount(value), out);
}

export function writeI64(value: i64, out: usize): usize {
  store<u8>(out, Char.MINUS);
  const minus = usize(value < 0);
  return writeU64(minus ? 0 - <u64>value : value, out + minus);
}
