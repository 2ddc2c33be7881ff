import { appendBody, replaceBody } from "../../sdk/host/body";
import { PieceSink } from "./piece-sink";

/** Puts pieces into a body buffer: the first replaces what is there, the others follow. */
class BodySink extends PieceSink {
  private bufferType: i32 = 0;
  private first: bool = true;

  replace(bufferType: i32): void {
    this.bufferType = bufferType;
    this.first = true;
  }

  /** Lets even the first piece follow what is there. */
  extend(bufferType: i32): void {
    this.bufferType = bufferType;
    this.first = false;
  }

  piece(ptr: usize, len: i32): void {
    if (this.first) replaceBody(this.bufferType, ptr, len);
    else appendBody(this.bufferType, ptr, len);
    this.first = false;
  }

  /** Drops what is there if no piece came. */
  finish(): void {
    if (this.first) replaceBody(this.bufferType, 0, 0);
  }
}

export const sink: BodySink = new BodySink();
