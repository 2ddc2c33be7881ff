import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

/**
 * Keys that Modelgate makes: `mg_`, 43 base62 digits of 256 random bits, and 6 base62 digits of the CRC-32 of
 * what stands before them, as GitHub's and npm's tokens have it. Scanners find them by their form and drop
 * chance hits by the checksum.
 */
const PREFIX = "mg_";
const RANDOM_BYTES = 32;
const RANDOM_DIGITS = 43;
const CHECK_DIGITS = 6;
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

export function generateKey(): string {
  const body = PREFIX + base62(BigInt(`0x${randomBytes(RANDOM_BYTES).toString("hex")}`), RANDOM_DIGITS);
  return body + checksum(body);
}

function checksum(text: string): string {
  return base62(BigInt(crc32(text)), CHECK_DIGITS);
}

function base62(value: bigint, digits: number): string {
  let text = "";
  let rest = value;
  for (let i = 0; i < digits; i++) {
    text = DIGITS[Number(rest % 62n)] + text;
    rest /= 62n;
  }
  return text;
}
