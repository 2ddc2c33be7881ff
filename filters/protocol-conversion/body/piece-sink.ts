import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { SlabChain } from "./slabs";

/** Bytes before each message of a gRPC stream: whether it is compressed, and its length, big-endian. */
export const GRPC_FRAME_HEADER: i32 = 5;

let frameBytes: i64 = 0;

/** Bytes of the frame, header included, that was started since the last call; 0 when none was. */
export function takeFrameBytes(): i64 {
  const bytes = frameBytes;
  frameBytes = 0;
  return bytes;
}

/** Makes `out` the header of a frame whose message has `length` bytes. */
export function startFrame(out: ByteBuffer, length: i64): void {
  frameBytes = GRPC_FRAME_HEADER + length;
  out.clear();
  out.reserve(GRPC_FRAME_HEADER);
  store<u8>(out.ptr, 0);
  store<u32>(out.ptr + 1, bswap<u32>(<u32>length));
  out.len = GRPC_FRAME_HEADER;
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
