import { ByteBuffer } from "../sdk/bytes/byte-buffer";

/**
 * The frame around each message of gRPC (PROTOCOL-HTTP2, Length-Prefixed-Message): a byte that says whether
 * the message is compressed, and its length in four bytes, big-endian.
 */

export const FRAME_HEADER_BYTES: i32 = 5;

/** Is the message of the frame at `at`, of which one byte is there, compressed? */
export function isCompressed(at: usize): bool {
  return load<u8>(at) != 0;
}

/** Bytes of the message of the frame at `at`, whose header is there. */
export function messageLength(at: usize): i64 {
  return <i64>bswap<u32>(load<u32>(at, 1));
}

/** Makes `out` the header of a frame whose message has `length` bytes. */
export function startFrame(out: ByteBuffer, length: i64): void {
  out.clear();
  out.reserve(FRAME_HEADER_BYTES);
  store<u8>(out.ptr, 0);
  store<u32>(out.ptr, bswap<u32>(<u32>length), 1);
  out.len = FRAME_HEADER_BYTES;
}

/** For a message that was appended to `out` behind a header: the header now says its length. */
export function finishFrame(out: ByteBuffer): void {
  store<u32>(out.ptr, bswap<u32>(out.len - FRAME_HEADER_BYTES), 1);
}
