import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Char } from "../sdk/bytes/chars";

/** An event beyond this goes on as it comes, and those behind it. */
const LONGEST_EVENT: i32 = 1_048_576;
/** Memory that is kept for the next stream. */
const KEPT: i32 = 65_536;

/** Decides about the events of a stream. */
export abstract class EventKeeper {
  /**
   * Takes a whole event, its empty line included.
   * @param out gets what goes on of it
   * @returns false: the stream ends here, and nothing comes behind `out`
   */
  abstract keep(event: ByteBuffer, out: ByteBuffer): bool;
}

/** Cuts an event stream (HTML standard, section 9.2.6) into its events as its bytes come. */
export class EventGate {
  /** The begin of an event. */
  private readonly held: ByteBuffer = new ByteBuffer();
  /** Line breaks that `held` ends in. */
  private breaks: i32 = 0;
  /** An event was too long to look at. */
  gaveUp: bool = false;
  /** A keeper has ended the stream. */
  closed: bool = false;

  reset(): void {
    if (this.held.allocated > KEPT) this.held.free();
    this.held.clear();
    this.breaks = 0;
    this.gaveUp = false;
    this.closed = false;
  }

  /** Takes the next bytes of a stream, and appends to `out` those that may go on. */
  add(ptr: usize, len: i32, out: ByteBuffer, keeper: EventKeeper): void {
    const end = ptr + len;
    let from = ptr;
    for (let at = ptr; at < end && !this.gaveUp && !this.closed; ) {
      const c = load<u8>(at++);
      if (c == Char.CR) continue;
      this.breaks = c == Char.LF ? this.breaks + 1 : 0;
      if (this.breaks < 2) continue;
      this.held.append(from, <i32>(at - from));
      from = at;
      this.closed = !keeper.keep(this.held, out);
      this.held.clear();
      this.breaks = 0;
    }
    if (this.closed) return;
    this.held.append(from, <i32>(end - from));
    if (this.held.len > LONGEST_EVENT) this.gaveUp = true;
    if (this.gaveUp) this.flush(out);
  }

  /** The stream is over: what is held goes on. */
  flush(out: ByteBuffer): void {
    if (!this.closed) out.append(this.held.ptr, this.held.len);
    this.held.clear();
  }
}
