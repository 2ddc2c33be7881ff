import { ByteBuffer } from "./byte-buffer";
import { Char, hexCharacter } from "./chars";

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

/** Is [ptr, end) well-formed UTF-8? @param cut its last character may lack bytes */
export function isUtf8(ptr: usize, end: usize, cut: bool): bool {
  for (let at = ptr; at < end; ) {
    const length = utf8SequenceLength(at, end);
    if (length == 0) return cut && end - at < 4;
    at += length;
  }
  return true;
}

/** The letters `u00`, as they lie in memory. */
const U00: u32 = 0x30_30_75;
/** Worst case of one input byte: `\u00XX`. */
const MAX_ESCAPE: i32 = 6;

/**
 * 0x20 to 0x7e but for quote and backslash, in each of the 8 bytes? (SWAR: a byte's high bit tells what is
 * special in it or below.)
 */
function isPlain(word: u64): bool {
  const ones: u64 = 0x0101010101010101;
  const quote = word ^ 0x2222222222222222;
  const backslash = word ^ 0x5c5c5c5c5c5c5c5c;
  const special = (word - 0x2020202020202020) | (quote - ones) | (backslash - ones) | word | (word + ones);
  return (special & 0x8080808080808080) == 0;
}

/** Writes what JSON writes for an ASCII character that may not stand as it is. @returns the byte after it */
function writeEscape(to: usize, c: u8): usize {
  store<u8>(to, Char.BACKSLASH);
  if (c == Char.QUOTE || c == Char.BACKSLASH) {
    store<u8>(to + 1, c);
    return to + 2;
  }
  store<u32>(to + 1, U00);
  store<u8>(to + 4, hexCharacter(c >> 4));
  store<u8>(to + 5, hexCharacter(c & 15));
  return to + MAX_ESCAPE;
}

/** Bytes that the character at `ptr` has within a JSON string. */
function escapedLength(c: u8, sequence: i32): i32 {
  if (c == Char.QUOTE || c == Char.BACKSLASH) return 2;
  if (c < Char.SPACE || c == Char.DELETE) return MAX_ESCAPE;
  return sequence == 0 ? 3 : sequence;
}

/**
 * The parts of a JSON string between its quotes: any bytes; what is malformed UTF-8 becomes U+FFFD, byte by
 * byte. Ends before the first character that would make it longer than `limit` bytes.
 */
export function appendJsonText(out: ByteBuffer, ptr: usize, len: i32, limit: i32 = i32.MAX_VALUE): void {
  const room = <i32>min<i64>(<i64>len * MAX_ESCAPE, limit);
  out.reserve(room);
  out.len = <i32>(writeJsonText(out.end, ptr, len, room) - out.ptr);
}

/** As `appendJsonText`, to `to`, where there is room for `limit` bytes. @returns the byte after it */
export function writeJsonText(to: usize, ptr: usize, len: i32, limit: i32): usize {
  const end = ptr + len;
  const full = to + limit;
  while (ptr < end) {
    while (ptr + 8 <= end && to + 8 <= full) {
      const word = load<u64>(ptr);
      if (!isPlain(word)) break;
      store<u64>(to, word);
      ptr += 8;
      to += 8;
    }
    const rest = end - ptr;
    if (rest < 8 && len >= 8 && to + rest <= full) {
      // The last 8 bytes at once: those of them that were written before are plain, and so the same.
      const word = load<u64>(end - 8);
      if (isPlain(word)) {
        store<u64>(to + rest - 8, word);
        return to + rest;
      }
    }
    const stop = ptr + min<usize>(rest, 8);
    while (ptr < stop) {
      const c = load<u8>(ptr);
      if (c >= Char.SPACE && c < Char.DELETE && c != Char.QUOTE && c != Char.BACKSLASH) {
        if (to == full) return to;
        store<u8>(to++, c);
        ptr++;
        continue;
      }
      const sequence = utf8SequenceLength(ptr, end);
      if (to + escapedLength(c, sequence) > full) return to;
      if (c < 0x80) {
        to = writeEscape(to, c);
        ptr++;
      } else if (sequence == 0) {
        store<u16>(to, 0xbf_ef); // U+FFFD
        store<u8>(to + 2, 0xbd);
        to += 3;
        ptr++;
      } else {
        for (let i: i32 = 0; i < sequence; i++) store<u8>(to++, load<u8>(ptr++));
      }
    }
  }
  return to;
}

/** A JSON string of [ptr, ptr + len), of at most `limit` bytes between its quotes. */
export function appendJsonString(out: ByteBuffer, ptr: usize, len: i32, limit: i32): void {
  out.appendByte(Char.QUOTE);
  appendJsonText(out, ptr, len, limit);
  out.appendByte(Char.QUOTE);
}
