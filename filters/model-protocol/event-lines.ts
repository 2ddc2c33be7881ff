import { bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { TokenUsage } from "./token-usage";

const DATA = bytes("data:");
const DONE = bytes("[DONE]");

enum Line {
  /** As much of `data:` as was read stands at its begin. */
  Field,
  /** The text behind `data:`. */
  Data,
  /** Something else, to the line's end. */
  Other,
}

/**
 * Reads an event stream (HTML standard, section 9.2.6) as its bytes come: the JSON of each `data` line goes
 * to a TokenUsage. OpenAI's API has a line an event.
 */
export class EventLines {
  /** Events with data so far, the end that OpenAI's streams have not counted. */
  events: i32 = 0;
  private line: Line = Line.Field;
  private matched: i32 = 0;
  /** Bytes of the present data that are like DONE, spaces aside; below 0: it is something else. */
  private done: i32 = 0;

  reset(): void {
    this.events = 0;
    this.startLine();
  }

  /** Reads the next bytes of the stream. */
  add(ptr: usize, len: i32, usage: TokenUsage): void {
    const end = ptr + len;
    for (let at = ptr; at < end; ) {
      if (this.line == Line.Field) at = this.field(at, usage);
      else at = this.rest(at, end, usage);
    }
  }

  private startLine(): void {
    this.line = Line.Field;
    this.matched = 0;
  }

  private field(at: usize, usage: TokenUsage): usize {
    const c = load<u8>(at);
    if (c == Char.LF || c == Char.CR) this.startLine();
    else if (c != load<u8>(DATA.ptr + this.matched)) this.line = Line.Other;
    else if (++this.matched == DATA.len) {
      this.line = Line.Data;
      this.done = 0;
      usage.start();
    }
    return at + 1;
  }

  /** Reads to the end of the line, or of the bytes. */
  private rest(from: usize, end: usize, usage: TokenUsage): usize {
    let at = from;
    while (at < end && load<u8>(at) != Char.LF && load<u8>(at) != Char.CR) at++;
    const len = <i32>(at - from);
    if (this.line == Line.Data && len > 0) {
      usage.add(from, len);
      this.matchDone(from, at);
    }
    if (at == end) return at;
    // Without data it is no event (section 9.2.6).
    if (this.line == Line.Data && this.done != 0 && this.done != DONE.len) this.events++;
    this.startLine();
    return at + 1;
  }

  private matchDone(from: usize, end: usize): void {
    for (let at = from; at < end && this.done >= 0; at++) {
      const c = load<u8>(at);
      if (this.done == 0 && c == Char.SPACE) continue;
      this.done = this.done < DONE.len && c == load<u8>(DONE.ptr + this.done) ? this.done + 1 : -1;
    }
  }
}
