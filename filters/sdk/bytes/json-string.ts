import { ByteBuffer } from "./byte-buffer";
import { hexDigit } from "./bytes";
import { utf8SequenceLength } from "./json-text";

/** Finds the closing quote of the JSON string whose opening quote is at `from`. @returns 0 when it is not in [from, to). */
export function stringEnd(from: usize, to: usize): usize {
  for (let at = from + 1; at < to; at++) {
    const c = load<u8>(at);
    if (c == 0x22) return at;
    if (c == 0x5c) at++;
  }
  return 0;
}

/**
 * Appends the UTF-8 text of the JSON string between two quotes (RFC 8259, section 7).
 * @returns false on a bad escape, a lone surrogate, a control character or malformed UTF-8.
 */
export function appendUnescaped(out: ByteBuffer, from: usize, to: usize): bool {
  out.reserve(<i32>(to - from));
  while (from < to) {
    const c = load<u8>(from);
    if (c < 0x20) return false;
    if (c != 0x5c) {
      const len = utf8SequenceLength(from, to);
      if (len == 0) return false;
      out.append(from, len);
      from += len;
      continue;
    }
    const letter: u8 = from + 1 < to ? load<u8>(from + 1) : 0;
    from += 2;
    if (letter == 0x75) {
      let unit = hex4(from, to);
      from += 4;
      if (unit < 0 || (unit & 0xfc00) == 0xdc00) return false;
      if ((unit & 0xfc00) == 0xd800) {
        if (from + 6 > to || load<u16>(from) != 0x75_5c) return false;
        const low = hex4(from + 2, to);
        if ((low & 0xfc00) != 0xdc00) return false;
        unit = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
        from += 6;
      }
      appendCodePoint(out, unit);
    } else {
      const plain = unescaped(letter);
      if (plain == 0) return false;
      out.appendByte(plain);
    }
  }
  return true;
}

function unescaped(letter: u8): u8 {
  if (letter == 0x22 || letter == 0x5c || letter == 0x2f) return letter;
  if (letter == 0x62) return 0x08;
  if (letter == 0x66) return 0x0c;
  if (letter == 0x6e) return 0x0a;
  if (letter == 0x72) return 0x0d;
  if (letter == 0x74) return 0x09;
  return 0;
}

function hex4(from: usize, to: usize): i32 {
  if (from + 4 > to) return -1;
  let value = 0;
  for (let i: usize = 0; i < 4; i++) {
    const digit = hexDigit(load<u8>(from + i));
    if (digit < 0) return -1;
    value = (value << 4) | digit;
  }
  return value;
}

function appendCodePoint(out: ByteBuffer, point: i32): void {
  if (point < 0x80) out.appendByte(<u8>point);
  else if (point < 0x800) {
    out.appendByte(<u8>(0xc0 | (point >> 6)));
    out.appendByte(<u8>(0x80 | (point & 63)));
  } else {
    if (point < 0x10000) out.appendByte(<u8>(0xe0 | (point >> 12)));
    else {
      out.appendByte(<u8>(0xf0 | (point >> 18)));
      out.appendByte(<u8>(0x80 | ((point >> 12) & 63)));
    }
    out.appendByte(<u8>(0x80 | ((point >> 6) & 63)));
    out.appendByte(<u8>(0x80 | (point & 63)));
  }
}
