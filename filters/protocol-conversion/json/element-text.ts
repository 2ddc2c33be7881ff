import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { CASE_BIT, Char } from "../../sdk/bytes/chars";
import { appendUnescaped } from "../../sdk/bytes/json-string";
import { utf8SequenceLength } from "../../sdk/bytes/json-text";
import { SlabChain } from "../body/slabs";

/** Strings of any length, copied from JSON as their bytes arrive. */

// Variables of the module, not fields of an object: the loops over strings read them for each.

/** Did the last `copyText` reach the closing quote? */
export let textClosed: bool = false;
/** Did it stop at a bad escape, a lone surrogate, a control character or malformed UTF-8? */
export let textMalformed: bool = false;

const LONGEST_ESCAPE: usize = 12;
const unescaped: ByteBuffer = new ByteBuffer();

/**
 * Copies the text of a JSON string (RFC 8259, section 7) from `at`, which is behind the opening quote or
 * within, to
 * `out`. @returns the first byte not used: behind the closing quote if `textClosed`, the one at fault if
 * `textMalformed`
 */
export function copyText(at: usize, to: usize, out: SlabChain): usize {
  textClosed = false;
  textMalformed = false;
  while (at < to) {
    while (at + 16 <= to && out.end - out.at >= 16) {
      const bytes = v128.load(at);
      v128.store(out.at, bytes);
      const plain = plainCount(bytes);
      at += plain;
      out.at += plain;
      if (plain < 16) break;
    }
    if (at == to) break;
    const c = load<u8>(at);
    if (c == Char.QUOTE) {
      textClosed = true;
      return at + 1;
    }
    if (c < Char.SPACE) return malformed(at);
    if (c == Char.BACKSLASH) {
      const length = escapeLength(at, to);
      if (length == 0) break;
      unescaped.clear();
      if (!appendUnescaped(unescaped, at, at + length)) return malformed(at);
      out.append(unescaped.ptr, unescaped.len);
      at += length;
    } else if (c < 0x80) {
      out.appendByte(c);
      at++;
    } else {
      const length = utf8SequenceLength(at, to);
      if (length == 0) {
        if (to - at >= 4 || !mayGoOn(at, to)) return malformed(at);
        break;
      }
      out.append(at, length);
      at += length;
    }
  }
  return at;
}

function malformed(at: usize): usize {
  textMalformed = true;
  return at;
}

/** How many of 16 bytes stand before the first quote, backslash, control character or byte beyond ASCII. */
export function plainCount(bytes: v128): usize {
  const quotes = v128.or(
    i8x16.eq(bytes, i8x16.splat(Char.QUOTE)),
    i8x16.eq(bytes, i8x16.splat(Char.BACKSLASH)),
  );
  // Signed: bytes beyond ASCII are negative.
  const others = i8x16.lt_s(bytes, i8x16.splat(Char.SPACE));
  return ctz<i32>(i8x16.bitmask(v128.or(quotes, others)) | 0x10000);
}

/** Bytes of the escape at `at`, both halves of a surrogate pair; 0 when it is not all there. */
function escapeLength(at: usize, to: usize): usize {
  if (to - at < 2) return 0;
  if (load<u8>(at + 1) != Char.u) return 2;
  if (to - at < 6) return 0;
  const second = load<u8>(at + 3) | CASE_BIT;
  const highSurrogate =
    (load<u8>(at + 2) | CASE_BIT) == Char.d && (second - Char._8 < 2 || second - Char.a < 2); // d8 ... db
  if (!highSurrogate || (to - at > 6 && load<u8>(at + 6) != Char.BACKSLASH)) return 6;
  return to - at < LONGEST_ESCAPE ? 0 : LONGEST_ESCAPE;
}

/** May the bytes at the end of a piece be the start of a UTF-8 sequence? */
function mayGoOn(at: usize, to: usize): bool {
  const first = load<u8>(at);
  if (first < 0xc2 || first > 0xf4) return false;
  for (let i = at + 1; i < to; i++) if ((load<u8>(i) & 0xc0) != 0x80) return false;
  return true;
}
