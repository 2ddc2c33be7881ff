import { CASE_BIT, Char } from "../../sdk/bytes/chars";

/**
 * JSON numbers (RFC 8259, section 6): grammar, and integers. The parts of the number read last stay in this
 * module until the next one; `decimal-float.ts` makes floats of them.
 */

// Variables of the module, not fields of an object: each number that is read sets all of them.

/** The first 19 significant digits as an integer. */
export let mantissa: u64 = 0;
/** Value = mantissa * 10^exponent, but for digits that were dropped. */
export let exponent: i32 = 0;
export let negative: bool = false;
/** Digits other than 0 beyond the 19th were dropped. */
export let dropped: bool = false;
/** Has it neither a fraction nor an exponent? */
export let integral: bool = false;
/** The digits, maybe with a point among them, and the written exponent. */
export let digitsFrom: usize = 0;
export let digitsTo: usize = 0;
export let writtenExponent: i32 = 0;

const MAX_DIGITS: i32 = 19;
const ASCII_ZEROS: u64 = 0x3030303030303030;

const INTEGER_POWERS = memory.data<u64>([1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000]);

/**
 * The high bit of the first byte of `word - ASCII_ZEROS` that is no digit, and maybe of later ones; 0: all
 * are digits.
 */
function nonDigits(zeroed: u64): u64 {
  return ((zeroed + 0x7676767676767676) | zeroed) & 0x8080808080808080;
}

/** Value of eight digits 0-9, the first in the lowest byte (Lemire, "Quickly parsing eight digits", 2018). */
function eightDigits(word: u64): u64 {
  word = word * 10 + (word >> 8);
  return (
    ((word & 0x000000ff000000ff) * 0x000f424000000064 +
      ((word >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >>
    32
  );
}

/**
 * Reads the number that starts at `from`. @returns the byte after it, 0 when no valid number starts there.
 * Some byte after the number that cannot belong to it must be in memory, and 16 bytes after that readable.
 */
export function parseNumber(from: usize): usize {
  let at = from;
  negative = load<u8>(at) == Char.MINUS;
  at += usize(negative);
  const first = at;
  digitsFrom = first;
  let value: u64 = <u64>load<u8>(at) - Char._0;
  if (value > 9) return 0;
  at++;
  let digits: i32 = 1;
  let scale: i32 = 0;
  let c = load<u8>(at);
  if (c - Char._0 < 10) {
    if (value == 0) return 0;
    do {
      value = value * 10 + (c - Char._0);
      c = load<u8>(++at);
    } while (c - Char._0 < 10);
    digits = <i32>(at - first);
  }
  integral = c != Char.DOT;
  if (!integral) {
    const fraction = ++at;
    let count: i64;
    do {
      const zeroed = load<u64>(at) ^ ASCII_ZEROS;
      count = ctz<u64>(nonDigits(zeroed)) >> 3;
      if (count == 0) break;
      value =
        value * load<u64>(INTEGER_POWERS + ((<usize>count) << 3)) +
        eightDigits(zeroed << (64 - (count << 3)));
      at += <usize>count;
    } while (count == 8);
    scale = <i32>(at - fraction);
    if (scale == 0) return 0;
    digits += scale;
    c = load<u8>(at);
  }
  digitsTo = at;
  let written: i32 = 0;
  if ((c | CASE_BIT) == Char.e) {
    integral = false;
    at = parseExponent(at + 1);
    if (at == 0) return 0;
    written = writtenExponent;
  } else writtenExponent = 0;
  dropped = false;
  mantissa = value;
  exponent = written - scale;
  if (digits > MAX_DIGITS) firstDigits();
  return at;
}

/** Exponents beyond this are all alike: no float is that large or small. */
const LARGEST_EXPONENT: i32 = 100_000_000;

function parseExponent(at: usize): usize {
  let c = load<u8>(at);
  const minus = c == Char.MINUS;
  if (minus || c == Char.PLUS) c = load<u8>(++at);
  if (c - Char._0 >= 10) return 0;
  let value: i32 = 0;
  do {
    if (value < LARGEST_EXPONENT) value = value * 10 + (c - Char._0);
    c = load<u8>(++at);
  } while (c - Char._0 < 10);
  writtenExponent = minus ? -value : value;
  return at;
}

/** Takes the first 19 significant digits of a number that has more, leading zeros aside. */
function firstDigits(): void {
  let value: u64 = 0;
  let taken: i32 = 0;
  let pointSeen = false;
  let scale: i32 = 0;
  for (let at = digitsFrom; at < digitsTo; at++) {
    const c = load<u8>(at);
    if (c == Char.DOT) {
      pointSeen = true;
      continue;
    }
    if (taken < MAX_DIGITS) {
      value = value * 10 + (c - Char._0);
      if (value != 0) taken++;
      if (pointSeen) scale--;
    } else {
      if (c != Char._0) dropped = true;
      if (!pointSeen) scale++;
    }
  }
  mantissa = value;
  exponent = writtenExponent + scale;
}

/** Result of `decimalToInteger`, in two's complement: a variable for the same reason. */
export let integerValue: u64 = 0;

const TENTH_OF_LARGEST: u64 = u64.MAX_VALUE / 10;

/**
 * The number as an integer of `bits` bits.
 * @returns false for a fraction, an exponent, or a value out of range
 */
export function decimalToInteger(bits: i32, signed: bool): bool {
  const digits = <i32>(digitsTo - digitsFrom);
  if (!integral || digits > MAX_DIGITS + 1) return false;
  let magnitude = mantissa;
  if (digits > MAX_DIGITS) {
    const last = <u64>load<u8>(digitsTo - 1) - Char._0;
    if (magnitude > TENTH_OF_LARGEST || (magnitude == TENTH_OF_LARGEST && last > 5)) return false;
    magnitude = magnitude * 10 + last;
  }
  const largest: u64 = u64.MAX_VALUE >> (64 - bits + <i32>signed);
  if (!negative) {
    integerValue = magnitude;
    return magnitude <= largest;
  }
  integerValue = 0 - magnitude;
  return magnitude <= (signed ? largest + 1 : 0);
}
