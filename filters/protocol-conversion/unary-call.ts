import { MODEL_UNREACHABLE, modelError, modelFault } from "../model-protocol/common-replies";
import {
  FRAME_HEADER_BYTES,
  finishFrame,
  isCompressed,
  messageLength,
  startFrame,
} from "../model-protocol/grpc-frame";
import { grpcStatusOf } from "../model-protocol/grpc-status";
import { COMPRESSED, CUT_OFF, MALFORMED } from "../model-protocol/model-faults";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { bytes } from "../sdk/bytes/bytes";
import { AUTHORITY, CONTENT_TYPE, METHOD, PATH, TE } from "../sdk/bytes/header-names";
import { Slice } from "../sdk/bytes/slice";
import { CALLOUT_HEADERS, CALLOUT_TRAILERS } from "../sdk/host/abi";
import { CalloutHandler, callout, forgetCallout } from "../sdk/host/callout";
import { GrpcCode } from "../sdk/host/grpc-code";
import { HeaderPairs } from "../sdk/host/headers";
import { HttpStatus } from "../sdk/host/http-status";
import { getProperty, propertyPath, propertyValue } from "../sdk/host/properties";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply, sendJson } from "../sdk/pipeline/local-reply";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { StreamState } from "../sdk/pipeline/stream-state";
import { Question } from "./question";

/**
 * Questions without a body. A Wasm filter cannot give a body to a request that has none, so the filter itself
 * calls the model server, through the cluster of the request's route, and answers the caller.
 */

const POST = bytes("POST");
const GRPC = bytes("application/grpc");
const TRAILERS = bytes("trailers");
const CLUSTER_NAME = propertyPath("xds.cluster_name");

const frame: ByteBuffer = new ByteBuffer();
const headers: HeaderPairs = new HeaderPairs();
const pool: StreamPool<UnaryCall> = new StreamPool<UnaryCall>();

/** One question on its way. Reused for later ones. */
class UnaryCall extends StreamState {
  private question: Question | null = null;
  private http: HttpContext | null = null;
  private slot: i32 = 0;
  private readonly handler: ReplyHandler = new ReplyHandler();

  constructor() {
    super();
    this.handler.call = this;
  }

  /** Sends the question that lies in `frame`. @returns false when that failed at once */
  send(question: Question, http: HttpContext, slot: i32, timeoutMs: u32): bool {
    this.question = question;
    this.http = http;
    this.slot = slot;
    return callout(cluster.ptr, cluster.len, headers, frame.ptr, frame.len, timeoutMs, this.handler);
  }

  /** The model server answered: so does this, the caller. */
  answer(status: i32, body: usize, len: i32): void {
    const question = this.question!;
    const http = this.http!;
    const refusal = readReply(question, status, body, len);
    http.setState(this.slot, null);
    this.release();
    http.enter();
    if (refusal != null) http.refuse(refusal);
    else {
      http.replied = true;
      sendJson(answerStatus(question), text.ptr, text.len, http.crossOrigin, http.origin);
    }
  }

  release(): void {
    forgetCallout(this.handler);
    this.question = null;
    this.http = null;
    pool.release(this);
  }
}

class ReplyHandler extends CalloutHandler {
  call: UnaryCall | null = null;

  onReply(status: i32, body: usize, len: i32): void {
    this.call!.answer(status, body, len);
  }
}

const text: ByteBuffer = new ByteBuffer();
/** How an answer of no ends: a member that is false. */
const NO = bytes(":false}");

/** Writes the JSON of a reply into `text`. @returns the refusal when there is none */
function readReply(question: Question, status: i32, body: usize, len: i32): LocalReply | null {
  if (status == 0) return MODEL_UNREACHABLE;
  let code = grpcStatusOf(CALLOUT_HEADERS);
  let map = CALLOUT_HEADERS;
  if (code < 0) {
    code = grpcStatusOf(CALLOUT_TRAILERS);
    map = CALLOUT_TRAILERS;
  }
  if (status != HttpStatus.OK) return MODEL_UNREACHABLE;
  if (code != GrpcCode.OK) return modelError(code, map, question.isOpenInference);
  if (len < FRAME_HEADER_BYTES) return modelFault(CUT_OFF);
  if (isCompressed(body)) return modelFault(COMPRESSED);
  if (messageLength(body) != len - FRAME_HEADER_BYTES) return modelFault(CUT_OFF);
  text.clear();
  const read = question.reply.appendJson(text, body + FRAME_HEADER_BYTES, body + len);
  return read ? null : modelFault(MALFORMED);
}

/** 200; a server or model that says it is not live or ready gets a 4xx, as the protocol wants. */
function answerStatus(question: Question): HttpStatus {
  const no = question.mayBeNo && text.len >= NO.len && NO.equals(text.end - NO.len, NO.len);
  return no ? HttpStatus.BAD_REQUEST : HttpStatus.OK;
}

/**
 * Asks the model server about the names that `parseRoute` found.
 * @returns null when that failed at once: refused
 */
export function startCall(
  http: HttpContext,
  question: Question,
  timeoutMs: u32,
  slot: i32,
): UnaryCall | null {
  if (!findCluster(http)) {
    http.refuse(MODEL_UNREACHABLE);
    return null;
  }
  startFrame(frame, 0);
  question.appendRequest(frame);
  finishFrame(frame);
  headers.clear();
  headers.add(METHOD, POST.ptr, POST.len);
  headers.add(PATH, question.rpc.ptr, question.rpc.len);
  headers.add(AUTHORITY, http.authority.ptr, http.authority.len);
  headers.add(CONTENT_TYPE, GRPC.ptr, GRPC.len);
  headers.add(TE, TRAILERS.ptr, TRAILERS.len);
  const call = pool.take();
  if (call.send(question, http, slot, timeoutMs)) return call;
  pool.release(call);
  http.refuse(MODEL_UNREACHABLE);
  return null;
}

const cluster: Slice = new Slice();

/** Sets `cluster`. @returns false when the request has no route */
function findCluster(http: HttpContext): bool {
  const known = http.cluster;
  cluster.len = known == null ? getProperty(CLUSTER_NAME) : known.len;
  cluster.ptr = known == null ? propertyValue() : known.ptr;
  return cluster.len > 0;
}
