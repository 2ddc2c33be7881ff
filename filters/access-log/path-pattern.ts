import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { queryStart, skipEncoded } from "../sdk/bytes/query-parameter";
import { Slice } from "../sdk/bytes/slice";

/**
 * A pattern of paths such as `/users/*` or `/users/**`: a segment `*` stands for any one, which no line
 * shows; `**` at the end for all that follows. Paths match percent-encoded or not.
 */
export class PathPattern {
  private readonly segments: Bytes[] = [];
  private readonly openEnded: bool;

  /** @param text starts with `/` */
  constructor(text: string) {
    const parts = text.substring(1).split("/");
    this.openEnded = parts[parts.length - 1] == "**";
    const count = this.openEnded ? parts.length - 1 : parts.length;
    for (let i = 0; i < count; i++) this.segments.push(bytes(parts[i]));
  }

  /**
   * Writes `*` over what the pattern hides if it matches `path`, in place; the query stays.
   * @returns whether it matched
   */
  hide(path: Slice): bool {
    const end = path.ptr + queryStart(path);
    if (!this.matches(path.ptr, end)) return false;
    let at = path.ptr;
    let to = path.ptr;
    for (let i = 0; i < this.segments.length; i++) {
      const next = segmentEnd(at + 1, end);
      store<u8>(to++, Char.SLASH);
      if (isStar(this.segments[i])) store<u8>(to++, Char.ASTERISK);
      else {
        memory.copy(to, at + 1, next - at - 1);
        to += next - at - 1;
      }
      at = next;
    }
    if (at < end) {
      store<u8>(to++, Char.SLASH);
      if (end - at > 1) store<u8>(to++, Char.ASTERISK);
    }
    const query = path.ptr + path.len - end;
    memory.copy(to, end, query);
    path.len = <i32>(to + query - path.ptr);
    return true;
  }

  private matches(from: usize, end: usize): bool {
    let at = from;
    for (let i = 0; i < this.segments.length; i++) {
      if (at >= end || load<u8>(at) != Char.SLASH) return false;
      const next = segmentEnd(at + 1, end);
      const segment = this.segments[i];
      const isMatch = isStar(segment) ? next > at + 1 : skipEncoded(at + 1, next, segment) == next;
      if (!isMatch) return false;
      at = next;
    }
    return this.openEnded ? at < end : at == end;
  }
}

function isStar(segment: Bytes): bool {
  return segment.len == 1 && load<u8>(segment.ptr) == Char.ASTERISK;
}

function segmentEnd(from: usize, end: usize): usize {
  while (from < end && load<u8>(from) != Char.SLASH) from++;
  return from;
}
