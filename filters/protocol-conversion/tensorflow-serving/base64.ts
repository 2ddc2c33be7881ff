import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";

/** Base64 (RFC 4648, section 4); decoding also takes the URL-safe alphabet and text without padding. */

const ALPHABET = bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const NONE: u8 = 0xff;
const VALUES: usize = memory.data(256);
memory.fill(VALUES, NONE, 256);
for (let i: u32 = 0; i < 64; i++) store<u8>(VALUES + load<u8>(ALPHABET.ptr + i), <u8>i);
store<u8>(VALUES + Char.MINUS, 62);
store<u8>(VALUES + Char.UNDERSCORE, 63);

export function base64Value(c: u8): u8 {
  return load<u8>(VALUES + c);
}

/** Appends [from, to) encoded. */
export function appendBase64(out: ByteBuffer, from: usize, to: usize): void {
  out.reserve((<i32>(to - from) / 3) * 4 + 4);
  let end = out.end;
  const alphabet = ALPHABET.ptr;
  for (; from < to; from += 3) {
    const left = to - from;
    const bits: u32 =
      ((<u32>load<u8>(from)) << 16) |
      (left > 1 ? (<u32>load<u8>(from + 1)) << 8 : 0) |
      (left > 2 ? <u32>load<u8>(from + 2) : 0);
    store<u8>(end, load<u8>(alphabet + (bits >> 18)));
    store<u8>(end + 1, load<u8>(alphabet + ((bits >> 12) & 63)));
    store<u8>(end + 2, left > 1 ? load<u8>(alphabet + ((bits >> 6) & 63)) : 0x3d);
    store<u8>(end + 3, left > 2 ? load<u8>(alphabet + (bits & 63)) : 0x3d);
    end += 4;
  }
  out.len = <i32>(end - out.ptr);
}
