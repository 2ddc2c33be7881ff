import { finishFrame, startFrame } from "../model-protocol/grpc-frame";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import {
  ACCEPT_ENCODING,
  CONTENT_LENGTH,
  CONTENT_TYPE,
  GRPC_ACCEPT_ENCODING,
  GRPC_ENCODING,
  PATH,
  TE,
} from "../sdk/bytes/header-names";
import { appendJsonText } from "../sdk/bytes/json-text";
import { REQUEST_BODY, REQUEST_HEADERS, RESPONSE_BODY, RESPONSE_HEADERS } from "../sdk/host/abi";
import { replaceBody } from "../sdk/host/body";
import { removeHeader, setHeader } from "../sdk/host/headers";
import { HttpContext } from "../sdk/pipeline/http-context";
import { Exchange } from "./exchange";
import { ModelRequest } from "./model-request";

/** What goes on from a converter: headers and a body for the model, or for the caller. */

export const GRPC = bytes("application/grpc");
export const JSON_TYPE = bytes("application/json");
const TRAILERS = bytes("trailers");
const ERROR_OPEN = bytes('{"error":"');
const ERROR_CLOSE = bytes('","reason":"upstream_error"}\n');

const LARGEST_KEPT_FRAME: i32 = 256 * 1024;
const out: ByteBuffer = new ByteBuffer();

/** Makes the caller's request the model's. */
export function sendToModel(http: HttpContext, request: ModelRequest): void {
  startFrame(out, 0);
  request.encode(out);
  finishFrame(out);
  const method = request.method;
  setHeader(REQUEST_HEADERS, PATH, method.ptr, method.len);
  setHeader(REQUEST_HEADERS, CONTENT_TYPE, GRPC.ptr, GRPC.len);
  setHeader(REQUEST_HEADERS, TE, TRAILERS.ptr, TRAILERS.len);
  removeHeader(REQUEST_HEADERS, CONTENT_LENGTH);
  removeHeader(REQUEST_HEADERS, ACCEPT_ENCODING);
  replaceBody(REQUEST_BODY, out.ptr, out.len);
  http.requestTensorBytes = out.len;
  http.handOffTensorBytes();
  if (out.allocated > LARGEST_KEPT_FRAME) out.free();
}

/** Makes the model's reply the caller's: [ptr, ptr + len) of the content type `type`. */
export function sendToCaller(type: Bytes, ptr: usize, len: i32): void {
  setHeader(RESPONSE_HEADERS, CONTENT_TYPE, type.ptr, type.len);
  removeHeader(RESPONSE_HEADERS, CONTENT_LENGTH);
  removeHeader(RESPONSE_HEADERS, GRPC_ENCODING);
  removeHeader(RESPONSE_HEADERS, GRPC_ACCEPT_ENCODING);
  replaceBody(RESPONSE_BODY, ptr, len);
}

/** Makes JSON of an error that Envoy or a proxy behind it wrote as text. */
export function sendErrorText(exchange: Exchange): void {
  out.clear();
  out.appendBytes(ERROR_OPEN);
  appendJsonText(out, exchange.body.ptr, exchange.body.len);
  out.appendBytes(ERROR_CLOSE);
  exchange.forgetBody();
  sendToCaller(JSON_TYPE, out.ptr, out.len);
}
