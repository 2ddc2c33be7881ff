import { ByteBuffer } from "./byte-buffer";
import { bytes, hexDigit } from "./bytes";
import { Char } from "./chars";
import { plainEnd, unescaped } from "./json-string";

/** U+FFFD: stands for an escaped character beyond ASCII. */
const REPLACEMENT = bytes("\ufffd");

export enum StringState {
  Plain,
  Escape,
  Unicode,
  /** Its closing quote was read. */
  Closed,
  Malformed,
}

/** Reads a JSON string whose bytes come in pieces of any size, and keeps as much of its text as is wanted. */
export class StringScanner {
  state: StringState = StringState.Closed;
  /** The text is longer than what was kept of it. */
  clipped: bool = false;
  private sink: ByteBuffer | null = null;
  private most: i32 = 0;
  /** Digits of an escape that are still to come. */
  private left: i32 = 0;
  private unit: i32 = 0;

  /**
   * Sets where text goes from now on.
   * @param sink null: nowhere. Escaped characters beyond ASCII become U+FFFD in it
   * @param most bytes that it may get
   */
  keep(sink: ByteBuffer | null, most: i32): void {
    this.sink = sink;
    this.most = most;
    this.clipped = false;
    if (sink != null) sink.clear();
  }

  /** The opening quote was read. */
  open(): void {
    this.state = StringState.Plain;
  }

  /** Reads [at, end). @returns where it stopped: at the end, or behind what ended the string */
  read(at: usize, end: usize): usize {
    while (at < end && this.state < StringState.Closed) {
      if (this.state == StringState.Plain) at = this.plain(at, end);
      else if (this.state == StringState.Escape) this.escape(load<u8>(at++));
      else this.unicode(load<u8>(at++));
    }
    return at;
  }

  private plain(from: usize, end: usize): usize {
    const stop = plainEnd(from, end);
    this.addAll(from, stop);
    if (stop == end) return end;
    const c = load<u8>(stop);
    if (c == Char.BACKSLASH) this.state = StringState.Escape;
    else this.state = c == Char.QUOTE ? StringState.Closed : StringState.Malformed;
    return stop + 1;
  }

  private escape(c: u8): void {
    if (c == Char.u) {
      this.left = 4;
      this.unit = 0;
      this.state = StringState.Unicode;
      return;
    }
    const plain = unescaped(c);
    this.state = plain == 0 ? StringState.Malformed : StringState.Plain;
    this.add(plain);
  }

  private unicode(c: u8): void {
    const digit = hexDigit(c);
    if (digit < 0) {
      this.state = StringState.Malformed;
      return;
    }
    this.unit = (this.unit << 4) | digit;
    if (--this.left > 0) return;
    if (this.unit < 0x80) this.add(<u8>this.unit);
    else this.addAll(REPLACEMENT.ptr, REPLACEMENT.ptr + REPLACEMENT.len);
    this.state = StringState.Plain;
  }

  /** Adds a byte to what is kept. */
  add(c: u8): void {
    const sink = this.sink;
    if (sink == null) return;
    if (sink.len < this.most) sink.appendByte(c);
    else this.clipped = true;
  }

  private addAll(from: usize, to: usize): void {
    const sink = this.sink;
    if (sink == null || from == to) return;
    const room = min(<i32>(to - from), this.most - sink.len);
    sink.append(from, room);
    if (room < <i32>(to - from)) this.clipped = true;
  }
}
