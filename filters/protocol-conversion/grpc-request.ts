import { FRAME_HEADER_BYTES } from "../model-protocol/grpc-frame";
import { REQUEST_BODY } from "../sdk/host/abi";
import { bufferData, readBuffer } from "../sdk/host/body";
import { HttpContext } from "../sdk/pipeline/http-context";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { StreamState } from "../sdk/pipeline/stream-state";
import { isStream, liftTimeout } from "./request-headers";
import { Task } from "./task";

/**
 * The request of a gRPC caller, which passes as it is: finds the headers of its frames, so that none
 * announces a message that is too large. Costs a host call a frame.
 */
class GrpcRequest extends StreamState {
  private most: i64 = 0;
  /** Bytes until the next frame begins. */
  private left: i64 = 0;
  /** Bytes of its header that came, and the length that they say so far. */
  private headerBytes: i32 = 0;
  private length: u32 = 0;

  static begin(task: Task): GrpcRequest {
    const request = pool.take();
    request.most = task.policy.maxRequestBytes;
    request.left = 0;
    request.headerBytes = 0;
    request.length = 0;
    return request;
  }

  /** Reads a chunk of `size` bytes. @returns whether a message is too large */
  isTooLarge(size: i32): bool {
    for (let at: i32 = 0; at < size; ) {
      const skipped = <i32>min(this.left, <i64>(size - at));
      this.left -= skipped;
      at += skipped;
      if (at < size) at += this.readHeader(at, size);
      if (this.left > this.most) return true;
    }
    return false;
  }

  /** @returns how many bytes of a frame's header there are at `at` */
  private readHeader(at: i32, size: i32): i32 {
    const wanted = min(FRAME_HEADER_BYTES - this.headerBytes, size - at);
    const read = readBuffer(REQUEST_BODY, at, wanted);
    for (let i = 0; i < read; i++) {
      if (this.headerBytes > 0) this.length = (this.length << 8) | load<u8>(bufferData() + i);
      this.headerBytes++;
    }
    if (this.headerBytes == FRAME_HEADER_BYTES) {
      this.left = this.length;
      this.headerBytes = 0;
      this.length = 0;
    }
    return wanted;
  }

  release(): void {
    pool.release(this);
  }
}

const pool: StreamPool<GrpcRequest> = new StreamPool<GrpcRequest>();

/** A gRPC caller's request to the task, which passes; a stream has a timeout of its own. */
export function passGrpc(http: HttpContext, task: Task, slot: i32, endOfStream: bool): void {
  if (isStream(http.path)) liftTimeout(task);
  if (!endOfStream) http.setState(slot, GrpcRequest.begin(task));
}

/** Does a chunk of `size` bytes of a gRPC caller's request begin a message that is too large? */
export function isTooLarge(state: StreamState | null, size: i32): bool {
  return state instanceof GrpcRequest && changetype<GrpcRequest>(state).isTooLarge(size);
}
