import { modelError } from "../model-protocol/common-replies";
import { grpcStatusOf } from "../model-protocol/grpc-status";
import { COMPRESSED, CUT_OFF, MALFORMED } from "../model-protocol/model-faults";
import { model, Operation, version, versionIsLabel } from "../model-protocol/route";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { appendField } from "../sdk/bytes/protobuf";
import { Slice } from "../sdk/bytes/slice";
import { CALLOUT_HEADERS, CALLOUT_TRAILERS } from "../sdk/host/abi";
import { CalloutHandler, callout, forgetCallout } from "../sdk/host/callout";
import { HeaderPairs } from "../sdk/host/headers";
import { getProperty, propertyPath, propertyValue } from "../sdk/host/properties";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply, sendJson } from "../sdk/pipeline/local-reply";
import { StreamState } from "../sdk/pipeline/stream-state";
import { GRPC_FRAME_HEADER } from "./body/piece-sink";
import { MODEL_METADATA, READY, SERVER_LIVE, SERVER_METADATA } from "./open-inference/metadata";
import { Message } from "./protobuf/message-json";
import { MODEL_UNREACHABLE, modelFault } from "./replies";
import { MODEL_STATUS, SIGNATURE_METADATA } from "./tensorflow-serving/metadata";
import { appendModelSpec } from "./tensorflow-serving/model-spec";

/**
 * Questions without a body. A Wasm filter cannot give a body to a request that has none, so the filter itself calls the
 * model server, through the cluster of the request's route, and answers the caller.
 */

const METHOD = bytes(":method");
const POST = bytes("POST");
const PATH = bytes(":path");
const AUTHORITY = bytes(":authority");
const CONTENT_TYPE = bytes("content-type");
const GRPC = bytes("application/grpc");
const TE = bytes("te");
const TRAILERS = bytes("trailers");
const CLUSTER_NAME = propertyPath("xds.cluster_name");

class Rpc {
  readonly path: Bytes;
  constructor(
    path: string,
    readonly reply: Message,
  ) {
    this.path = bytes(path);
  }
}

const SERVICE = "/inference.GRPCInferenceService/";
/** By operation. */
const rpcs: Rpc[] = [
  new Rpc("", READY),
  new Rpc(`${SERVICE}ServerMetadata`, SERVER_METADATA),
  new Rpc(`${SERVICE}ServerLive`, SERVER_LIVE),
  new Rpc(`${SERVICE}ServerReady`, READY),
  new Rpc(`${SERVICE}ModelMetadata`, MODEL_METADATA),
  new Rpc(`${SERVICE}ModelReady`, READY),
  new Rpc("/tensorflow.serving.ModelService/GetModelStatus", MODEL_STATUS),
  new Rpc("/tensorflow.serving.PredictionService/GetModelMetadata", SIGNATURE_METADATA),
];

const frame: ByteBuffer = new ByteBuffer();
const headers: HeaderPairs = new HeaderPairs();
const free: UnaryCall[] = [];

/** One question on its way. Reused for later ones. */
export class UnaryCall extends StreamState {
  operation: Operation = Operation.None;
  http: HttpContext = changetype<HttpContext>(0);
  slot: i32 = 0;
  readonly handler: ReplyHandler = new ReplyHandler();

  release(): void {
    forgetCallout(this.handler);
    free.push(this);
  }
}

class ReplyHandler extends CalloutHandler {
  call: UnaryCall = changetype<UnaryCall>(0);

  onReply(status: i32, body: usize, len: i32): void {
    const call = this.call;
    const http = call.http;
    const refusal = answer(call.operation, status, body, len);
    http.setState(call.slot, null);
    call.release();
    http.plugin.enter(http);
    if (refusal != null) http.refuse(refusal);
    else {
      http.replied = true;
      sendJson(answerStatus(call.operation), text.ptr, text.len);
    }
  }
}

const text: ByteBuffer = new ByteBuffer();
const READY_FALSE: i32 = 400;

/** Writes the JSON of a reply into `text`. @returns the refusal when there is none */
function answer(operation: Operation, status: i32, body: usize, len: i32): LocalReply | null {
  if (status == 0) return MODEL_UNREACHABLE;
  let code = grpcStatusOf(CALLOUT_HEADERS);
  let map = CALLOUT_HEADERS;
  if (code < 0) {
    code = grpcStatusOf(CALLOUT_TRAILERS);
    map = CALLOUT_TRAILERS;
  }
  if (status != 200) return MODEL_UNREACHABLE;
  if (code != 0) return modelError(code < 0 ? 2 : code, map);
  if (len < GRPC_FRAME_HEADER) return modelFault(CUT_OFF);
  if (load<u8>(body) != 0) return modelFault(COMPRESSED);
  if (<i32>bswap<u32>(load<u32>(body + 1)) != len - GRPC_FRAME_HEADER) return modelFault(CUT_OFF);
  text.clear();
  const read = rpcs[operation].reply.appendJson(text, body + GRPC_FRAME_HEADER, body + len);
  return read ? null : modelFault(MALFORMED);
}

/** 200; a server or model that says it is not live or ready gets a 4xx, as the protocol wants. */
function answerStatus(operation: Operation): i32 {
  const yesOrNo =
    operation == Operation.ServerLive ||
    operation == Operation.ServerReady ||
    operation == Operation.ModelReady;
  const no =
    yesOrNo && load<u8>(text.ptr + text.len - 2) == 0x65 && load<u8>(text.ptr + text.len - 3) == 0x73;
  return no ? READY_FALSE : 200;
}

/** Calls the model server for an operation that `parseRoute` found. @returns null when that failed at once: refused */
export function startCall(
  http: HttpContext,
  operation: Operation,
  timeout: u32,
  slot: i32,
): UnaryCall | null {
  const length = getProperty(CLUSTER_NAME);
  if (length <= 0) {
    http.refuse(MODEL_UNREACHABLE);
    return null;
  }
  cluster.ptr = propertyValue();
  cluster.len = length;
  frame.clear();
  frame.reserve(GRPC_FRAME_HEADER);
  frame.len = GRPC_FRAME_HEADER;
  if (operation >= Operation.ModelStatus) {
    spec.clear();
    appendModelSpec(spec, model, version, versionIsLabel);
    appendField(frame, 1, spec.ptr, spec.len);
    if (operation == Operation.SignatureMetadata) appendField(frame, 2, SIGNATURE_DEF.ptr, SIGNATURE_DEF.len);
  } else {
    if (model.len > 0) appendField(frame, 1, model.ptr, model.len);
    if (version.len > 0) appendField(frame, 2, version.ptr, version.len);
  }
  store<u8>(frame.ptr, 0);
  store<u32>(frame.ptr + 1, bswap<u32>(frame.len - GRPC_FRAME_HEADER));
  const path = rpcs[operation].path;
  headers.clear();
  headers.add(METHOD, POST.ptr, POST.len);
  headers.add(PATH, path.ptr, path.len);
  headers.add(AUTHORITY, http.authority.ptr, http.authority.len);
  headers.add(CONTENT_TYPE, GRPC.ptr, GRPC.len);
  headers.add(TE, TRAILERS.ptr, TRAILERS.len);
  const call = free.length > 0 ? free.pop() : new UnaryCall();
  call.operation = operation;
  call.http = http;
  call.slot = slot;
  call.handler.call = call;
  if (callout(cluster.ptr, cluster.len, headers, frame.ptr, frame.len, timeout, call.handler)) return call;
  free.push(call);
  http.refuse(MODEL_UNREACHABLE);
  return null;
}

const cluster: Slice = new Slice();
const spec: ByteBuffer = new ByteBuffer();
const SIGNATURE_DEF = bytes("signature_def");
