import { Offer, weigh } from "../model-protocol/accept";
import { Bytes, bytes, startsWithIgnoreCase } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import {
  ACCEPT_ENCODING,
  CONTENT_ENCODING,
  CONTENT_LENGTH,
  CONTENT_TYPE,
  GRPC_ACCEPT_ENCODING,
  GRPC_ENCODING,
  INFERENCE_HEADER_LENGTH,
  PATH,
  TE,
  UPSTREAM_TIMEOUT,
} from "../sdk/bytes/header-names";
import { Slice } from "../sdk/bytes/slice";
import { REQUEST_HEADERS, RESPONSE_HEADERS } from "../sdk/host/abi";
import { Headers, removeHeader, setHeader } from "../sdk/host/headers";
import { HttpContext } from "../sdk/pipeline/http-context";
import { Conversion } from "./conversion";
import { Form } from "./open-inference/reply-json";
import { Task } from "./task";
import { decimalOf, TENSOR_DATATYPE, TENSOR_NAME, TENSOR_SHAPE } from "./tensor/raw-tensor";

/** Headers of converted requests and replies. */

const GRPC = bytes("application/grpc");
const TRAILERS = bytes("trailers");
export const MODEL_INFER = bytes("/inference.GRPCInferenceService/ModelInfer");
export const MODEL_STREAM_INFER = bytes("/inference.GRPCInferenceService/ModelStreamInfer");

const IDENTITY = bytes("identity");

const json = new Offer("application/json");
const binary = new Offer("application/octet-stream");
const events = new Offer("text/event-stream");
const lines = new Offer("application/x-ndjson");
const offers: StaticArray<Offer> = [json, binary, events, lines];

const value: Slice = new Slice();

/**
 * How many bytes of the body are JSON, by `Inference-Header-Content-Length`: all without it, -1 when it is no
 * number.
 */
export function headerLength(headers: Headers): i64 {
  if (headers.find(INFERENCE_HEADER_LENGTH, value) == 0) return i64.MAX_VALUE;
  return decimalOf(value);
}

/**
 * The form of a stream of replies, if the caller accepts one no less than one reply; -1 for one reply. Where
 * it wants both
 * alike, a stream must be named: every type is for one reply.
 */
export function acceptedStream(headers: Headers): i32 {
  if (!weigh(headers, offers)) return -1;
  const stream = lines.isBefore(events) ? lines : events;
  const least = max(json.weight, binary.weight);
  if (stream.weight == 0 || stream.weight < least || (stream.weight == least && !stream.isNamed)) return -1;
  return stream == events ? Form.Events : Form.Lines;
}

/** Is the body encoded? `identity` is no encoding (RFC 9110, section 12.5.3). */
export function isEncoded(headers: Headers): bool {
  if (headers.find(CONTENT_ENCODING, value) == 0 || value.len == 0) return false;
  return value.len != IDENTITY.len || !startsWithIgnoreCase(value.ptr, value.len, IDENTITY);
}

/** Makes the request headers those of a gRPC call. */
export function makeGrpcRequest(http: HttpContext, conversion: Conversion): void {
  const rpc = conversion.rpc;
  setHeader(REQUEST_HEADERS, PATH, rpc.ptr, rpc.len);
  setHeader(REQUEST_HEADERS, CONTENT_TYPE, GRPC.ptr, GRPC.len);
  setHeader(REQUEST_HEADERS, TE, TRAILERS.ptr, TRAILERS.len);
  removeIfThere(http.headers, CONTENT_LENGTH);
  removeIfThere(http.headers, CONTENT_ENCODING);
  removeIfThere(http.headers, ACCEPT_ENCODING);
  removeIfThere(http.headers, INFERENCE_HEADER_LENGTH);
  removeIfThere(http.headers, TENSOR_NAME);
  removeIfThere(http.headers, TENSOR_DATATYPE);
  removeIfThere(http.headers, TENSOR_SHAPE);
}

/** Is it the gRPC path of a stream of replies? */
export function isStream(path: Slice): bool {
  return MODEL_STREAM_INFER.equals(path.ptr, path.len);
}

/** A stream has a timeout of its own, in place of that of the task's requests. */
export function liftTimeout(task: Task): void {
  setHeader(REQUEST_HEADERS, UPSTREAM_TIMEOUT, task.streamTimeout.ptr, task.streamTimeout.len);
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
  let type = json.name;
  if (converted && announced >= 0) {
    type = binary.name;
    let at = decimal + 16;
    for (let rest = announced; rest > 0; rest /= 10) store<u8>(--at, Char._0 + <u8>(rest % 10));
    setHeader(RESPONSE_HEADERS, INFERENCE_HEADER_LENGTH, at, <i32>(decimal + 16 - at));
  } else if (converted && conversion.streamForm >= 0) {
    type = conversion.streamForm == Form.Events ? conversion.eventType : lines.name;
  }
  setHeader(RESPONSE_HEADERS, CONTENT_TYPE, type.ptr, type.len);
  removeHeader(RESPONSE_HEADERS, CONTENT_LENGTH);
  removeHeader(RESPONSE_HEADERS, GRPC_ENCODING);
  removeHeader(RESPONSE_HEADERS, GRPC_ACCEPT_ENCODING);
}
