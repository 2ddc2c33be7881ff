import { SlabChain } from "./tensor/slabs";

/** Bytes before each message of a gRPC stream: whether it is compressed, and its length, big-endian. */
export const GRPC_FRAME_HEADER: i32 = 5;

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
