import { Operation } from "../model-protocol/route";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Slice } from "../sdk/bytes/slice";
import { REQUEST_HEADERS, RESPONSE_HEADERS } from "../sdk/host/abi";
import { Headers, removeHeader, setHeader } from "../sdk/host/headers";
import { HttpContext } from "../sdk/pipeline/http-context";
import { Conversion } from "./conversion";
import { Form } from "./open-inference/reply-json";
import { decimalOf, TENSOR_DATATYPE, TENSOR_NAME, TENSOR_SHAPE } from "./tensor/raw-tensor";

/** Headers of converted requests and replies. */

const PATH = bytes(":path");
const ORIGINAL_PATH = bytes("x-envoy-original-path");
const MODEL_INFER = bytes("/inference.GRPCInferenceService/ModelInfer");
const MODEL_STREAM_INFER = bytes("/inference.GRPCInferenceService/ModelStreamInfer");
const PREDICT = bytes("/tensorflow.serving.PredictionService/Predict");
const CLASSIFY = bytes("/tensorflow.serving.PredictionService/Classify");
const REGRESS = bytes("/tensorflow.serving.PredictionService/Regress");
const CONTENT_TYPE = bytes("content-type");
const CONTENT_LENGTH = bytes("content-length");
const ACCEPT = bytes("accept");
const ACCEPT_ENCODING = bytes("accept-encoding");
const HEADER_LENGTH = bytes("inference-header-content-length");
const GRPC = bytes("application/grpc");
const JSON_TYPE = bytes("application/json");
const BINARY_TYPE = bytes("application/octet-stream");
const EVENTS_TYPE = bytes("text/event-stream");
const LINES_TYPE = bytes("application/x-ndjson");
const TE = bytes("te");
const TRAILERS = bytes("trailers");
const GRPC_ENCODING = bytes("grpc-encoding");
const GRPC_ACCEPT_ENCODING = bytes("grpc-accept-encoding");

const value: Slice = new Slice();

/** How many bytes of the body are JSON, by `Inference-Header-Content-Length`: all without it, -1 when it is no number. */
export function headerLength(headers: Headers): i64 {
  if (headers.find(HEADER_LENGTH, value) == 0) return i64.MAX_VALUE;
  return decimalOf(value);
}

/** The form of a stream of replies, if the caller accepts one; -1 for one reply. */
export function acceptedStream(headers: Headers): i32 {
  if (headers.find(ACCEPT, value) == 0) return -1;
  if (contains(value, EVENTS_TYPE)) return Form.Events;
  return contains(value, LINES_TYPE) ? Form.Lines : -1;
}

function contains(text: Slice, part: Bytes): bool {
  for (let i: i32 = 0; i + part.len <= text.len; i++) {
    if (part.equals(text.ptr + i, part.len)) return true;
  }
  return false;
}

/** Makes the request headers those of a gRPC call. */
export function makeGrpcRequest(http: HttpContext, conversion: Conversion): void {
  const operation = conversion.operation;
  let method = conversion.streamForm < 0 ? MODEL_INFER : MODEL_STREAM_INFER;
  if (operation == Operation.Predict) method = PREDICT;
  else if (operation == Operation.Classify) method = CLASSIFY;
  else if (operation == Operation.Regress) method = REGRESS;
  setHeader(REQUEST_HEADERS, PATH, method.ptr, method.len);
  setHeader(REQUEST_HEADERS, ORIGINAL_PATH, http.path.ptr, http.path.len);
  setHeader(REQUEST_HEADERS, CONTENT_TYPE, GRPC.ptr, GRPC.len);
  setHeader(REQUEST_HEADERS, TE, TRAILERS.ptr, TRAILERS.len);
  removeIfThere(http.headers, CONTENT_LENGTH);
  removeIfThere(http.headers, ACCEPT_ENCODING);
  removeIfThere(http.headers, HEADER_LENGTH);
  removeIfThere(http.headers, TENSOR_NAME);
  removeIfThere(http.headers, TENSOR_DATATYPE);
  removeIfThere(http.headers, TENSOR_SHAPE);
}

function removeIfThere(headers: Headers, name: Bytes): void {
  if (headers.find(name, value) > 0) removeHeader(REQUEST_HEADERS, name);
}

const decimal: usize = memory.data(16);

/**
 * Makes the response headers those of a REST reply.
 * @param announced bytes of JSON before binary data, -1 for JSON alone
 * @param converted false for an error that is not the model's
 */
export function makeReplyHeaders(conversion: Conversion, announced: i32, converted: bool): void {
  let type = JSON_TYPE;
  if (converted && announced >= 0) {
    type = BINARY_TYPE;
    let at = decimal + 16;
    for (let rest = announced; rest > 0; rest /= 10) store<u8>(--at, 0x30 + <u8>(rest % 10));
    setHeader(RESPONSE_HEADERS, HEADER_LENGTH, at, <i32>(decimal + 16 - at));
  } else if (converted && conversion.streamForm >= 0) {
    type = conversion.streamForm == Form.Events ? EVENTS_TYPE : LINES_TYPE;
  }
  setHeader(RESPONSE_HEADERS, CONTENT_TYPE, type.ptr, type.len);
  removeHeader(RESPONSE_HEADERS, CONTENT_LENGTH);
  removeHeader(RESPONSE_HEADERS, GRPC_ENCODING);
  removeHeader(RESPONSE_HEADERS, GRPC_ACCEPT_ENCODING);
}
