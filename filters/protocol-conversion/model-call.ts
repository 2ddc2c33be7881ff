import { MODEL_UNREACHABLE, modelError, modelFault } from "../model-protocol/common-replies";
import {
  FRAME_HEADER_BYTES,
  finishFrame,
  isCompressed,
  messageLength,
  startFrame,
} from "../model-protocol/grpc-frame";
import { grpcStatusOf } from "../model-protocol/grpc-status";
import { COMPRESSED, CUT_OFF } from "../model-protocol/model-faults";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { AUTHORITY, CONTENT_TYPE, METHOD, PATH, TE } from "../sdk/bytes/header-names";
import { Slice } from "../sdk/bytes/slice";
import { CALLOUT_HEADERS, CALLOUT_TRAILERS } from "../sdk/host/abi";
import { CalloutHandler, callout, forgetCallout } from "../sdk/host/callout";
import { GrpcCode } from "../sdk/host/grpc-code";
import { HeaderPairs } from "../sdk/host/headers";
import { HttpStatus } from "../sdk/host/http-status";
import { getProperty, propertyPath, propertyValue } from "../sdk/host/properties";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { StreamState } from "../sdk/pipeline/stream-state";

const POST = bytes("POST");
const GRPC = bytes("application/grpc");
const TRAILERS = bytes("trailers");
const CLUSTER_NAME = propertyPath("xds.cluster_name");

const frame: ByteBuffer = new ByteBuffer();
const headers: HeaderPairs = new HeaderPairs();

/** The cluster that `findCluster` found. */
export const cluster: Slice = new Slice();

/** Sets `cluster` to where the request goes. @returns false when it has no route */
export function findCluster(http: HttpContext): bool {
  const known = http.cluster;
  cluster.len = known == null ? getProperty(CLUSTER_NAME) : known.len;
  cluster.ptr = known == null ? propertyValue() : known.ptr;
  return cluster.len > 0;
}

/**
 * A call of one message that the filter itself makes to a stream's model server, through the cluster of its
 * route. The stream waits meanwhile, and this is its state.
 */
export abstract class ModelCall extends StreamState {
  protected http: HttpContext | null = null;
  private readonly handler: ReplyHandler = new ReplyHandler();

  constructor() {
    super();
    this.handler.call = this;
  }

  /**
   * Sends the message that `append` appends to `rpc`.
   * @returns false when that failed at once: there is no route, or no such cluster
   */
  protected call(http: HttpContext, rpc: Bytes, append: (out: ByteBuffer) => void, timeoutMs: u32): bool {
    this.http = http;
    if (!findCluster(http)) return false;
    startFrame(frame, 0);
    append(frame);
    finishFrame(frame);
    headers.clear();
    headers.add(METHOD, POST.ptr, POST.len);
    headers.add(PATH, rpc.ptr, rpc.len);
    headers.add(AUTHORITY, http.authority.ptr, http.authority.len);
    headers.add(CONTENT_TYPE, GRPC.ptr, GRPC.len);
    headers.add(TE, TRAILERS.ptr, TRAILERS.len);
    return callout(cluster.ptr, cluster.len, headers, frame.ptr, frame.len, timeoutMs, this.handler);
  }

  /** Are the model server's errors those of the Open Inference Protocol? */
  protected abstract get isOpenInference(): bool;

  /**
   * The model server answered. The stream is not entered yet.
   * @param refusal why there is no message; else it lies at [from, to)
   */
  protected abstract answered(refusal: LocalReply | null, from: usize, to: usize): void;

  /** Takes the reply: `status` of HTTP, and the body. */
  take(status: i32, body: usize, len: i32): void {
    const refusal = refusalOf(status, body, len, this.isOpenInference);
    this.answered(refusal, body + FRAME_HEADER_BYTES, body + len);
  }

  /** Forgets the stream; no answer comes after it. */
  protected forget(): void {
    forgetCallout(this.handler);
    this.http = null;
  }
}

class ReplyHandler extends CalloutHandler {
  call: ModelCall | null = null;

  onReply(status: i32, body: usize, len: i32): void {
    this.call!.take(status, body, len);
  }
}

/** What the caller is refused with when the reply is no whole message; null when it is one. */
function refusalOf(status: i32, body: usize, len: i32, openInference: bool): LocalReply | null {
  if (status == 0) return MODEL_UNREACHABLE;
  let code = grpcStatusOf(CALLOUT_HEADERS);
  let map = CALLOUT_HEADERS;
  if (code < 0) {
    code = grpcStatusOf(CALLOUT_TRAILERS);
    map = CALLOUT_TRAILERS;
  }
  if (status != HttpStatus.OK) return MODEL_UNREACHABLE;
  if (code != GrpcCode.OK) return modelError(code, map, openInference);
  if (len < FRAME_HEADER_BYTES) return modelFault(CUT_OFF);
  if (isCompressed(body)) return modelFault(COMPRESSED);
  return messageLength(body) == len - FRAME_HEADER_BYTES ? null : modelFault(CUT_OFF);
}
