import { Bytes } from "../../sdk/bytes/bytes";
import { Char, isDigit } from "../../sdk/bytes/chars";
import { Slice } from "../../sdk/bytes/slice";
import { Headers } from "../../sdk/host/headers";

/**
 * Members of a dictionary (RFC 9651, section 3.2), such as a header of several signatures is one: a label,
 * `=` and a value each, with commas between. A header may come in several lines, which break between members.
 */

const line: Slice = new Slice();

/** One member: its label, and the text of its value with its parameters. */
export class Member {
  readonly label: Slice = new Slice();
  readonly value: Slice = new Slice();

  clear(): void {
    this.label.len = 0;
    this.value.len = 0;
  }
}

/**
 * Looks in a header for members with this label; an empty one stands for any. A text that is no dictionary
 * counts as one member without a label or a value.
 * @param found the last one
 * @returns how many there are
 */
export function findMembers(headers: Headers, header: Bytes, label: Bytes, found: Member): i32 {
  const lines = headers.find(header, line);
  let count = 0;
  for (let i = 0; i < lines; i++) {
    headers.findAt(header.ptr, header.len, i, line);
    count += findInLine(line.ptr, line.ptr + line.len, label, found);
  }
  return count;
}

function findInLine(from: usize, end: usize, label: Bytes, found: Member): i32 {
  let count = 0;
  let at = from;
  do {
    while (at < end && isSpace(load<u8>(at))) at++;
    const key = keyEnd(at, end);
    const next = memberEnd(at, end);
    let last = next;
    while (last > at && isSpace(load<u8>(last - 1))) last--;
    const named = key > at && key < last && load<u8>(key) == Char.EQUALS;
    if (label.len == 0 || (named && label.equals(at, <i32>(key - at)))) {
      count++;
      found.clear();
      if (named) {
        found.label.ptr = at;
        found.label.len = <i32>(key - at);
        found.value.ptr = key + 1;
        found.value.len = <i32>(last - key - 1);
      }
    }
    at = next + 1;
  } while (at <= end);
  return count;
}

function isSpace(c: u8): bool {
  return c == Char.SPACE || c == Char.TAB;
}

/** Where the key at `from` ends: lower-case letters, digits, `_-.*` (RFC 9651, section 3.1.2). */
export function keyEnd(from: usize, end: usize): usize {
  let at = from;
  for (; at < end; at++) {
    const c = load<u8>(at);
    if (c - Char.a < 26 || c == Char.ASTERISK) continue;
    if (at == from || (!isDigit(c) && c != Char.UNDERSCORE && c != Char.MINUS && c != Char.DOT)) break;
  }
  return at;
}

/** The comma behind a member, one within a string aside; else the end. */
function memberEnd(from: usize, end: usize): usize {
  let quoted = false;
  for (let at = from; at < end; at++) {
    const c = load<u8>(at);
    if (c == Char.QUOTE) quoted = !quoted;
    else if (c == Char.BACKSLASH && quoted) at++;
    else if (c == Char.COMMA && !quoted) return at;
  }
  return end;
}
