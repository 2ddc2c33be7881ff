import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";

const CHOICES = bytes("choices");
const USAGE = bytes("usage");
const DELTA = bytes("delta");
const NULL = bytes("null");
const CONTENT_NAMES: Bytes[] = [
  bytes('"content"'),
  bytes('"text"'),
  bytes('"reasoning_content"'),
  bytes('"reasoning"'),
  bytes('"refusal"'),
  bytes('"arguments"'),
];

/** A member of the object of an event, as `find` found it: where its name and its value begin, and end. */
export class EventMember {
  name: usize = 0;
  value: usize = 0;
  end: usize = 0;

  /** Looks for a member of the outermost object. @returns false when it has none, or is none */
  find(event: ByteBuffer, name: Bytes): bool {
    const end = event.end;
    let at = event.ptr;
    while (at < end && load<u8>(at) != Char.OPEN_BRACE) at++;
    at++;
    let depth = 1;
    let isKey = true;
    while (at < end && depth > 0) {
      const c = load<u8>(at);
      if (c == Char.QUOTE) {
        const from = at + 1;
        at = endOfString(at, end);
        if (depth > 1 || !isKey) continue;
        isKey = false;
        if (!name.equals(from, <i32>(at - 1 - from))) continue;
        const value = skipSpace(at, end);
        if (value >= end || load<u8>(value) != Char.COLON) continue;
        this.name = from - 1;
        this.value = skipSpace(value + 1, end);
        this.end = endOfValue(this.value, end);
        return this.value < end;
      }
      if (c == Char.OPEN_BRACE || c == Char.OPEN_BRACKET) depth++;
      else if (c == Char.CLOSE_BRACE || c == Char.CLOSE_BRACKET) depth--;
      else if (c == Char.COMMA && depth == 1) isKey = true;
      at++;
    }
    return false;
  }
}

const choices: EventMember = new EventMember();
const usage: EventMember = new EventMember();

/** Has the event a usage and no choices, as the one that was asked for? */
export function isUsageAlone(event: ByteBuffer): bool {
  if (!usage.find(event, USAGE) || load<u8>(usage.value) != Char.OPEN_BRACE) return false;
  if (!choices.find(event, CHOICES) || load<u8>(choices.value) != Char.OPEN_BRACKET) return false;
  return load<u8>(skipSpace(choices.value + 1, choices.end)) == Char.CLOSE_BRACKET;
}

/** Appends the event without `"usage":null`, which servers say who are asked for the usage. */
export function appendWithoutNull(event: ByteBuffer, out: ByteBuffer): void {
  const isNull = usage.find(event, USAGE) && NULL.equals(usage.value, <i32>(usage.end - usage.value));
  if (!isNull) {
    out.append(event.ptr, event.len);
    return;
  }
  let from = usage.name;
  let to = usage.end;
  while (isSpace(load<u8>(from - 1))) from--;
  if (load<u8>(from - 1) == Char.COMMA) from--;
  else {
    const comma = skipSpace(to, event.end);
    if (comma < event.end && load<u8>(comma) == Char.COMMA) to = comma + 1;
  }
  out.append(event.ptr, <i32>(from - event.ptr));
  out.append(to, <i32>(event.end - to));
}

/** Does the event bring a piece of the answer? Each is about a token. */
export function bringsToken(event: ByteBuffer): bool {
  if (!choices.find(event, CHOICES)) return usage.find(event, DELTA);
  for (let i = 0; i < CONTENT_NAMES.length; i++)
    if (hasText(choices.value, choices.end, unchecked(CONTENT_NAMES[i]))) return true;
  return false;
}

/** Is there a member of this name, in quotes, whose value is a text that is not empty? */
function hasText(from: usize, end: usize, name: Bytes): bool {
  for (let at = from; at + name.len < end; at++) {
    if (load<u8>(at) != Char.QUOTE || memory.compare(at, name.ptr, name.len) != 0) continue;
    const colon = skipSpace(at + name.len, end);
    if (colon >= end || load<u8>(colon) != Char.COLON) continue;
    const value = skipSpace(colon + 1, end);
    if (value + 1 < end && load<u8>(value) == Char.QUOTE && load<u8>(value + 1) != Char.QUOTE) return true;
  }
  return false;
}

function endOfValue(from: usize, end: usize): usize {
  let depth = 0;
  let at = from;
  while (at < end) {
    const c = load<u8>(at);
    if (c == Char.QUOTE) at = endOfString(at, end);
    else {
      if (c == Char.CLOSE_BRACE || c == Char.CLOSE_BRACKET) depth--;
      else if (c == Char.OPEN_BRACE || c == Char.OPEN_BRACKET) depth++;
      else if (depth == 0 && (c == Char.COMMA || isSpace(c))) return at;
      if (depth < 0) return at;
      at++;
    }
    if (depth == 0 && isNested(c)) return at;
  }
  return end;
}

function isNested(c: u8): bool {
  return c == Char.QUOTE || c == Char.CLOSE_BRACE || c == Char.CLOSE_BRACKET;
}

/** @param from its first quote @returns behind its last one */
function endOfString(from: usize, end: usize): usize {
  for (let at = from + 1; at < end; at++) {
    const c = load<u8>(at);
    if (c == Char.BACKSLASH) at++;
    else if (c == Char.QUOTE) return at + 1;
  }
  return end;
}

function isSpace(c: u8): bool {
  return c == Char.SPACE || c == Char.TAB || c == Char.LF || c == Char.CR;
}

function skipSpace(from: usize, end: usize): usize {
  let at = from;
  while (at < end && isSpace(load<u8>(at))) at++;
  return at;
}
