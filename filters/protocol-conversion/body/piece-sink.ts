import { FRAME_HEADER_BYTES, startFrame } from "../../model-protocol/grpc-frame";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { SlabChain } from "./slabs";

let frameBytes: i64 = 0;

/** Bytes of the frame, header included, that was started since the last call; 0 when none was. */
export function takeFrameBytes(): i64 {
  const bytes = frameBytes;
  frameBytes = 0;
  return bytes;
}

/** Makes `out` the header of the request's frame, whose message has `length` bytes. */
export function startRequestFrame(out: ByteBuffer, length: i64): void {
  frameBytes = FRAME_HEADER_BYTES + length;
  startFrame(out, length);
}

/** Takes the pieces of a long message one after the other. */
export abstract class PieceSink {
  abstract piece(ptr: usize, len: i32): void;

  /** Takes all of `chain`, and gives back its memory on the way. */
  pieces(chain: SlabChain): void {
    for (let slab = chain.firstSlab; slab != 0; slab = chain.firstSlab) {
      const length = chain.slabLength(slab);
      if (length > 0) this.piece(chain.slabData(slab), length);
      chain.releaseFirst();
    }
  }
}
