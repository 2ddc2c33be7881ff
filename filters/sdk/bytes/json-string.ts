import { ByteBuffer } from "./byte-buffer";
import { hexDigit } from "./bytes";
import { Char } from "./chars";
import { utf8SequenceLength } from "./json-text";

/** The characters `\u`, as they lie in memory. */
const BACKSLASH_U: u16 = 0x75_5c;

/**
 * Finds the closing quote of the JSON string whose opening quote is at `from`.
 * @returns 0 when it is not in [from, to).
 */
export function stringEnd(from: usize, to: usize): usize {
  for (let at = from + 1; at < to; at++) {
    const c = load<u8>(at);
    if (c == Char.QUOTE) return at;
    if (c == Char.BACKSLASH) at++;
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
    if (c < Char.SPACE) return false;
    if (c != Char.BACKSLASH) {
      const len = utf8SequenceLength(from, to);
      if (len == 0) return false;
      out.append(from, len);
      from += len;
      continue;
    }
    const letter: u8 = from + 1 < to ? load<u8>(from + 1) : 0;
    from += 2;
    if (letter == Char.u) {
      let unit = hex4(from, to);
      from += 4;
      if (unit < 0 || (unit & 0xfc00) == 0xdc00) return false;
      if ((unit & 0xfc00) == 0xd800) {
        if (from + 6 > to || load<u16>(from) != BACKSLASH_U) return false;
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

/**
 * The first byte of [at, end) that is no plain one of a string: a quote, a backslash, a control character.
 */
export function plainEnd(at: usize, end: usize): usize {
  const quote = i8x16.splat(Char.QUOTE);
  const backslash = i8x16.splat(Char.BACKSLASH);
  const space = i8x16.splat(Char.SPACE);
  for (; at + 16 <= end; at += 16) {
    const block = v128.load(at);
    const control = i8x16.lt_u(block, space);
    const special = v128.or(control, v128.or(i8x16.eq(block, quote), i8x16.eq(block, backslash)));
    if (v128.any_true(special)) return at + <usize>ctz<i32>(i8x16.bitmask(special));
  }
  for (; at < end; at++) {
    const c = load<u8>(at);
    if (c == Char.QUOTE || c == Char.BACKSLASH || c < Char.SPACE) return at;
  }
  return end;
}

/** What a letter behind a backslash stands for; 0: it is no escape, or `u`. */
export function unescaped(letter: u8): u8 {
  if (letter == Char.QUOTE || letter == Char.BACKSLASH || letter == Char.SLASH) return letter;
  if (letter == Char.b) return Char.BACKSPACE;
  if (letter == Char.f) return Char.FORM_FEED;
  if (letter == Char.n) return Char.LF;
  if (letter == Char.r) return Char.CR;
  if (letter == Char.t) return Char.TAB;
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
