import { appendBody, replaceBody } from "../sdk/body";
import { PieceSink } from "./piece-sink";
import { SlabChain } from "./tensor/slabs";

/** Puts pieces into a body buffer: the first replaces what is there, the others follow. */
export class BodySink extends PieceSink {
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

  /** Puts all of `chain`, and gives back its memory on the way. */
  pieces(chain: SlabChain): void {
    for (let slab = chain.firstSlab; slab != 0; slab = chain.firstSlab) {
      const length = chain.slabLength(slab);
      if (length > 0) this.piece(chain.slabData(slab), length);
      chain.releaseFirst();
    }
  }

  /** Drops what is there if no piece came. */
  finish(): void {
    if (this.first) replaceBody(this.bufferType, 0, 0);
  }
}

export const sink: BodySink = new BodySink();
