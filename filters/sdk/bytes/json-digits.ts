import { CASE_BIT, Char, isDigit } from "./chars";

/** Where the grammar of a number is (RFC 8259, section 6). */
export enum Digits {
  Minus,
  Zero,
  Whole,
  Dot,
  Fraction,
  E,
  Sign,
  Exponent,
}

const ENDS: u32 = (1 << Digits.Zero) | (1 << Digits.Whole) | (1 << Digits.Fraction) | (1 << Digits.Exponent);

export function mayEnd(digits: Digits): bool {
  return ((ENDS >> digits) & 1) != 0;
}

/** @param c the first byte, a digit or a minus */
export function startOf(c: u8): Digits {
  if (c == Char.MINUS) return Digits.Minus;
  return c == Char._0 ? Digits.Zero : Digits.Whole;
}

/** Where a number is with one more byte; -1: the byte is not of it. */
export function afterDigit(digits: Digits, c: u8): i32 {
  if (isDigit(c)) {
    if (digits == Digits.Zero) return -1;
    if (digits == Digits.Minus) return startOf(c);
    if (digits == Digits.Dot) return Digits.Fraction;
    return digits == Digits.E || digits == Digits.Sign ? Digits.Exponent : digits;
  }
  const whole = digits == Digits.Zero || digits == Digits.Whole;
  if (c == Char.DOT) return whole ? Digits.Dot : -1;
  if ((c | CASE_BIT) == Char.e) return whole || digits == Digits.Fraction ? Digits.E : -1;
  return (c == Char.PLUS || c == Char.MINUS) && digits == Digits.E ? Digits.Sign : -1;
}
