/** Bytes before each message of a gRPC stream: whether it is compressed, and its length, big-endian. */
export const GRPC_FRAME_HEADER: i32 = 5;

/** Takes the pieces of a long message one after the other. */
export abstract class PieceSink {
  abstract piece(ptr: usize, len: i32): void;
}
