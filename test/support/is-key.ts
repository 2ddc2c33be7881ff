import { crc32 } from "node:zlib";

/** What a secret scanner looks for. */
export const KEY_PATTERN = /\bmg_[0-9A-Za-z]{49}\b/;
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECK_DIGITS = 6;

/** Whether a text has the form of a key and, as its last six digits, the CRC-32 of what is before them. */
export function isKey(text: string): boolean {
  if (KEY_PATTERN.exec(text)?.[0] !== text) return false;
  const digits = [...text.slice(-CHECK_DIGITS)].map((digit) => DIGITS.indexOf(digit));
  return digits.reduce((value, digit) => value * 62 + digit, 0) === crc32(text.slice(0, -CHECK_DIGITS));
}
