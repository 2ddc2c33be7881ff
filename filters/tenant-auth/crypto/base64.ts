import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Char } from "../../sdk/bytes/chars";

/** Base64 (RFC 4648): the standard alphabet with padding, and the URL-safe one without, as JOSE writes it. */

/**
 * Value of a character, 64 for one outside of both alphabets; `+/` count 62 and 63 in one, `-_` in the other.
 */
function sextet(c: u8, url: bool): u8 {
  if (c - Char.A < 26) return c - Char.A;
  if (c - Char.a < 26) return c - Char.a + 26;
  if (c - Char._0 < 10) return c - Char._0 + 52;
  if (c == (url ? Char.MINUS : Char.PLUS)) return 62;
  if (c == (url ? Char.UNDERSCORE : Char.SLASH)) return 63;
  return 64;
}

/** Appends what the unpadded base64url text says. @returns false when it is not canonical base64url. */
export function appendBase64Url(out: ByteBuffer, ptr: usize, len: i32): bool {
  return appendDecoded(out, ptr, len, true);
}

/** Appends what the padded base64 text says. @returns false when it is not canonical base64. */
export function appendBase64(out: ByteBuffer, ptr: usize, len: i32): bool {
  if (len % 4 != 0) return false;
  let padding = 0;
  while (padding < 2 && padding < len && load<u8>(ptr + len - 1 - padding) == Char.EQUALS) padding++;
  return appendDecoded(out, ptr, len - padding, false);
}

function appendDecoded(out: ByteBuffer, ptr: usize, len: i32, url: bool): bool {
  if (len % 4 == 1) return false;
  out.reserve(len);
  let to = out.end;
  let bits: u32 = 0;
  let count = 0;
  for (let i: i32 = 0; i < len; i++) {
    const value = sextet(load<u8>(ptr + i), url);
    if (value == 64) return false;
    bits = (bits << 6) | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      store<u8>(to++, <u8>(bits >> count));
    }
  }
  if ((bits & ((1 << count) - 1)) != 0) return false;
  out.len = <i32>(to - out.ptr);
  return true;
}
