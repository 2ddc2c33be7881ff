import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { hexDigit } from "../../sdk/bytes/bytes";
import { Char, isDigit } from "../../sdk/bytes/chars";
import { queryStart } from "../../sdk/bytes/query-parameter";
import { Slice } from "../../sdk/bytes/slice";

/**
 * Parameters of a query as `@query-param` has them (RFC 9421, section 2.2.8): read as
 * application/x-www-form-urlencoded (https://url.spec.whatwg.org/#urlencoded-parsing) and written anew.
 */

const wanted: ByteBuffer = new ByteBuffer();
const decoded: ByteBuffer = new ByteBuffer();

/** How many parameters has the query? Empty pieces are none. */
export function countParameters(path: Slice): i32 {
  const end = path.ptr + path.len;
  let count = 0;
  for (let at = firstPiece(path); at < end; at = pieceEnd(at, end) + 1) if (pieceEnd(at, end) > at) count++;
  return count;
}

/**
 * Appends the value of the parameter with this percent-encoded name.
 * @returns false when the query has it not once
 */
export function appendParameter(out: ByteBuffer, path: Slice, name: Slice): bool {
  wanted.clear();
  appendDecoded(wanted, name.ptr, name.ptr + name.len, false);
  const end = path.ptr + path.len;
  let found = 0;
  for (let at = firstPiece(path); at < end; ) {
    const next = pieceEnd(at, end);
    let equals = at;
    while (equals < next && load<u8>(equals) != Char.EQUALS) equals++;
    decoded.clear();
    appendDecoded(decoded, at, equals, true);
    const same = decoded.len == wanted.len && memory.compare(decoded.ptr, wanted.ptr, wanted.len) == 0;
    if (same && next > at) {
      found++;
      decoded.clear();
      if (equals < next) appendDecoded(decoded, equals + 1, next, true);
      appendEncoded(out, decoded);
    }
    at = next + 1;
  }
  return found == 1;
}

function firstPiece(path: Slice): usize {
  return path.ptr + queryStart(path) + 1;
}

function pieceEnd(from: usize, end: usize): usize {
  let at = from;
  while (at < end && load<u8>(at) != Char.AMPERSAND) at++;
  return at;
}

/** @param form whether a plus is a space */
function appendDecoded(out: ByteBuffer, from: usize, to: usize, form: bool): void {
  while (from < to) {
    let c = load<u8>(from++);
    if (c == Char.PLUS && form) c = Char.SPACE;
    else if (c == Char.PERCENT && from + 2 <= to) {
      const high = hexDigit(load<u8>(from));
      const low = hexDigit(load<u8>(from, 1));
      if (high >= 0 && low >= 0) {
        c = <u8>((high << 4) | low);
        from += 2;
      }
    }
    out.appendByte(c);
  }
}

/**
 * All but letters, digits and `*-._`
 * (https://url.spec.whatwg.org/#application-x-www-form-urlencoded-percent-encode-set).
 */
function appendEncoded(out: ByteBuffer, value: ByteBuffer): void {
  for (let at = value.ptr; at < value.end; at++) {
    const c = load<u8>(at);
    const letter: u8 = (c | 0x20) - Char.a;
    const kept = c == Char.ASTERISK || c == Char.MINUS || c == Char.DOT || c == Char.UNDERSCORE;
    if (letter < 26 || isDigit(c) || kept) out.appendByte(c);
    else {
      out.appendByte(Char.PERCENT);
      out.appendByte(upperHex(c >> 4));
      out.appendByte(upperHex(c & 15));
    }
  }
}

function upperHex(digit: u8): u8 {
  return digit < 10 ? Char._0 + digit : Char.A - 10 + digit;
}
