import { ByteBuffer } from "../../sdk/bytes/byte-buffer";

/** Base64 (RFC 4648, section 4); decoding also takes the URL-safe alphabet and text without padding. */

const ALPHABET = memory.data<u8>([
  0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 0x50, 0x51, 0x52,
  0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a,
  0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x30, 0x31,
  0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x2b, 0x2f,
]);
const NONE: u8 = 0xff;
const VALUES: usize = memory.data(256);
memory.fill(VALUES, NONE, 256);
for (let i: u32 = 0; i < 64; i++) store<u8>(VALUES + load<u8>(ALPHABET + i), <u8>i);
store<u8>(VALUES + 0x2d, 62);
store<u8>(VALUES + 0x5f, 63);

export function base64Value(c: u8): u8 {
  return load<u8>(VALUES + c);
}

/** Appends [from, to) encoded. */
export function appendBase64(out: ByteBuffer, from: usize, to: usize): void {
  out.reserve((<i32>(to - from) / 3) * 4 + 4);
  let end = out.end;
  for (; from < to; from += 3) {
    const left = to - from;
    const bits: u32 =
      ((<u32>load<u8>(from)) << 16) |
      (left > 1 ? (<u32>load<u8>(from + 1)) << 8 : 0) |
      (left > 2 ? <u32>load<u8>(from + 2) : 0);
    store<u8>(end, load<u8>(ALPHABET + (bits >> 18)));
    store<u8>(end + 1, load<u8>(ALPHABET + ((bits >> 12) & 63)));
    store<u8>(end + 2, left > 1 ? load<u8>(ALPHABET + ((bits >> 6) & 63)) : 0x3d);
    store<u8>(end + 3, left > 2 ? load<u8>(ALPHABET + (bits & 63)) : 0x3d);
    end += 4;
  }
  out.len = <i32>(end - out.ptr);
}
