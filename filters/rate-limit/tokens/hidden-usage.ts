import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";

const CHOICES = bytes('"choices"');
const USAGE = bytes('"usage"');
/** An event beyond this goes on as it comes. */
const LONGEST_EVENT: i32 = 1_048_576;
/** Memory that is kept for the next stream. */
const KEPT: i32 = 65_536;

/**
 * Takes the event out of a stream that tells the usage and has no choices: the gateway asked for it, and the
 * caller did not. An event goes on when it is whole; all bytes of others are as they came.
 */
export class HiddenUsage {
  /** The begin of an event. */
  private readonly held: ByteBuffer = new ByteBuffer();
  /** Line breaks that `held` ends in. */
  private breaks: i32 = 0;
  private gaveUp: bool = false;

  reset(): void {
    if (this.held.allocated > KEPT) this.held.free();
    this.held.clear();
    this.breaks = 0;
    this.gaveUp = false;
  }

  /** Takes the next bytes of a stream, and appends to `out` those that may go on. */
  add(ptr: usize, len: i32, out: ByteBuffer): void {
    const end = ptr + len;
    let from = ptr;
    for (let at = ptr; at < end && !this.gaveUp; ) {
      const c = load<u8>(at++);
      if (c == Char.CR) continue;
      this.breaks = c == Char.LF ? this.breaks + 1 : 0;
      if (this.breaks < 2) continue;
      this.held.append(from, <i32>(at - from));
      from = at;
      if (!isUsageAlone(this.held)) this.flush(out);
      this.held.clear();
      this.breaks = 0;
    }
    this.held.append(from, <i32>(end - from));
    if (this.held.len > LONGEST_EVENT) this.gaveUp = true;
    if (this.gaveUp) this.flush(out);
  }

  /** The stream is over: what is held goes on. */
  flush(out: ByteBuffer): void {
    out.append(this.held.ptr, this.held.len);
    this.held.clear();
  }
}

/**
 * Has the event a usage and no choices? Quotes within JSON strings have a backslash before them, so a name
 * between plain quotes is a member.
 */
function isUsageAlone(event: ByteBuffer): bool {
  const usage = behind(event.ptr, event.end, USAGE);
  if (usage == 0 || load<u8>(usage) != Char.OPEN_BRACE) return false;
  const choices = behind(event.ptr, event.end, CHOICES);
  if (choices == 0 || load<u8>(choices) != Char.OPEN_BRACKET) return false;
  const inside = skipSpace(choices + 1, event.end);
  return inside < event.end && load<u8>(inside) == Char.CLOSE_BRACKET;
}

/** @returns where the value of a member begins; 0: there is no such member */
function behind(from: usize, end: usize, name: Bytes): usize {
  for (let at = from; at + name.len < end; at++) {
    if (load<u8>(at) != Char.QUOTE || memory.compare(at, name.ptr, name.len) != 0) continue;
    const colon = skipSpace(at + name.len, end);
    if (colon == end || load<u8>(colon) != Char.COLON) continue;
    const value = skipSpace(colon + 1, end);
    return value < end ? value : 0;
  }
  return 0;
}

function skipSpace(from: usize, end: usize): usize {
  let at = from;
  while (at < end && (load<u8>(at) == Char.SPACE || load<u8>(at) == Char.TAB)) at++;
  return at;
}
