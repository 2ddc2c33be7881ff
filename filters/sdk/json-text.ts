import { ByteBuffer } from "./byte-buffer";

const HEX = memory.data<u8>([
  0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66,
]);

/**
 * Length of the well-formed UTF-8 sequence at `ptr` (Unicode, table 3-7), 0 when it is malformed.
 */
export function utf8SequenceLength(ptr: usize, end: usize): i32 {
  const first = load<u8>(ptr);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const len: i32 = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (ptr + len > end) return 0;
  const second = load<u8>(ptr + 1);
  const least: u8 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const most: u8 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let i: i32 = 2; i < len; i++) if ((load<u8>(ptr + i) & 0xc0) != 0x80) return 0;
  return len;
}

/** Worst case of one input byte: `\u00XX`. */
const MAX_ESCAPE: i32 = 6;

/** The parts of a JSON string between its quotes: any bytes; malformed UTF-8 becomes U+FFFD. */
export function appendJsonText(out: ByteBuffer, ptr: usize, len: i32): void {
  out.reserve(len * MAX_ESCAPE);
  const end = ptr + len;
  let to = out.end;
  while (ptr < end) {
    const c = load<u8>(ptr);
    if (c >= 0x20 && c < 0x7f && c != 0x22 && c != 0x5c) {
      store<u8>(to++, c);
      ptr++;
    } else if (c == 0x22 || c == 0x5c) {
      store<u8>(to, 0x5c);
      store<u8>(to + 1, c);
      to += 2;
      ptr++;
    } else if (c < 0x80) {
      store<u32>(to, 0x30_30_75_5c); // \u00
      store<u8>(to + 4, load<u8>(HEX + (c >> 4)));
      store<u8>(to + 5, load<u8>(HEX + (c & 15)));
      to += 6;
      ptr++;
    } else {
      const sequence = utf8SequenceLength(ptr, end);
      if (sequence == 0) {
        store<u32>(to, 0xbd_bf_ef); // U+FFFD
        to += 3;
        ptr++;
      } else {
        memory.copy(to, ptr, sequence);
        to += sequence;
        ptr += sequence;
      }
    }
  }
  out.len = <i32>(to - out.ptr);
}

/** A JSON string of [ptr, ptr + len), cut to its first `limit` bytes. */
export function appendJsonString(out: ByteBuffer, ptr: usize, len: i32, limit: i32): void {
  out.appendByte(0x22);
  appendJsonText(out, ptr, min(len, limit));
  out.appendByte(0x22);
}
