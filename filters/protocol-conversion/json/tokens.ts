import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { CASE_BIT, Char } from "../../sdk/bytes/chars";
import { appendUnescaped, stringEnd } from "../../sdk/bytes/json-string";

/** The tokens of JSON outside of tensors' elements: keys and strings, numbers, true, false and null. */

const TRUE = bytes("true");
const FALSE = bytes("false");
const NULL = bytes("null");

/** The string or key read last; valid within one call. */
export const text: ByteBuffer = new ByteBuffer();

/**
 * Reads the string at `at` into `text`.
 * @returns the byte after it, `at` when it is incomplete, 0 when it is malformed
 */
export function readString(at: usize, to: usize): usize {
  const quote = stringEnd(at, to);
  if (quote == 0) return at;
  text.clear();
  return appendUnescaped(text, at + 1, quote) ? quote + 1 : 0;
}

/** May a number, `true`, `false` or `null` hold this byte? */
export function isScalarByte(c: u8): bool {
  return (
    c - Char._0 < 10 || (c | CASE_BIT) - Char.a < 26 || c == Char.MINUS || c == Char.PLUS || c == Char.DOT
  );
}

/** @returns the first byte that no number, `true`, `false` or `null` holds, or `to` */
export function scalarEnd(at: usize, to: usize): usize {
  while (at < to && isScalarByte(load<u8>(at))) at++;
  return at;
}

export function isLiteral(ptr: usize, len: i32): bool {
  return TRUE.equals(ptr, len) || FALSE.equals(ptr, len) || NULL.equals(ptr, len);
}
