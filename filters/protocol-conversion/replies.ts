import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { ALLOW } from "../sdk/bytes/header-names";
import { GrpcCode } from "../sdk/host/grpc-code";
import { HeaderPairs } from "../sdk/host/headers";
import { HttpStatus } from "../sdk/host/http-status";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply, sendEmpty } from "../sdk/pipeline/local-reply";
import { RequestReader } from "./body/request-reader";
import { TOKEN_TOO_LONG } from "./json/faults";

/**
 * The errors that conversion answers with: `{"error":"...","reason":"..."}`, which is both protocols' own
 * shape.
 */

export const UNKNOWN_PATH = new LocalReply(
  HttpStatus.NOT_FOUND,
  GrpcCode.NOT_FOUND,
  "path_unknown",
  "no such path; see /v2 and /v1/models/{model}",
);
export const USE_POST = new LocalReply(
  HttpStatus.METHOD_NOT_ALLOWED,
  GrpcCode.UNIMPLEMENTED,
  "method_not_allowed",
  "use POST",
).withHeader(ALLOW, "POST");
export const USE_GET = new LocalReply(
  HttpStatus.METHOD_NOT_ALLOWED,
  GrpcCode.UNIMPLEMENTED,
  "method_not_allowed",
  "use GET",
).withHeader(ALLOW, "GET, HEAD");
export const BODY_MISSING = new LocalReply(
  HttpStatus.BAD_REQUEST,
  GrpcCode.INVALID_ARGUMENT,
  "json_malformed",
  "a JSON body is required",
);
export const RAW_TENSOR = new LocalReply(
  HttpStatus.BAD_REQUEST,
  GrpcCode.INVALID_ARGUMENT,
  "raw_tensor",
  "a raw tensor needs x-tensor-name, x-tensor-datatype, x-tensor-shape such as 1,224,224,3, in headers or the task's configuration, and a fitting content-length",
);
export const NO_SIGNATURES = new LocalReply(
  HttpStatus.NOT_FOUND,
  GrpcCode.NOT_FOUND,
  "signatures_missing",
  "the gateway knows no signatures of the task: it needs protocolConversion.tasks[].signatures",
);
export const HEADER_LENGTH = new LocalReply(
  HttpStatus.BAD_REQUEST,
  GrpcCode.INVALID_ARGUMENT,
  "header_length",
  "Inference-Header-Content-Length must be the bytes of JSON before binary data, and a request always has some; for a raw tensor leave it out and send x-tensor-name, x-tensor-datatype and x-tensor-shape",
);
export const BINARY_LENGTH = new LocalReply(
  HttpStatus.BAD_REQUEST,
  GrpcCode.INVALID_ARGUMENT,
  "binary_length",
  "the body is not as long as Inference-Header-Content-Length and the sizes of binary data say",
);
/** Of `generate`, as Triton says it. */
export const NOT_ONE_REPLY = new LocalReply(
  HttpStatus.INTERNAL_SERVER_ERROR,
  GrpcCode.INTERNAL,
  "replies_not_one",
  "generate expects model to produce exactly 1 response, use generate stream for model that generates various number of responses",
);
/** Of a stream that ended before the model sent anything, where its headers are gone already. */
export const STREAM_EMPTY = new LocalReply(
  HttpStatus.NO_CONTENT,
  GrpcCode.OK,
  "stream_empty",
  "the model sent no reply",
);
const pairs: HeaderPairs = new HeaderPairs();

/** Answers 204: the model took the request, and sent no reply. */
export function replyEmpty(http: HttpContext): void {
  pairs.clear();
  const crossOrigin = http.crossOrigin;
  if (crossOrigin != null) crossOrigin.addTo(pairs, http.origin);
  sendEmpty(HttpStatus.NO_CONTENT, STREAM_EMPTY.reason, pairs);
}

const BODY_MALFORMED = new LocalReply(
  HttpStatus.BAD_REQUEST,
  GrpcCode.INVALID_ARGUMENT,
  "json_malformed",
  "",
);
const RAW_MALFORMED = new LocalReply(HttpStatus.BAD_REQUEST, GrpcCode.INVALID_ARGUMENT, "raw_tensor", "");
const AT_BYTE = bytes(" at byte ");
const PATH_OPEN = bytes(" (");
const message: ByteBuffer = new ByteBuffer();

/**
 * What is wrong with a request's body, of JSON with byte offset and path: `... at byte 57
 * (inputs[1].data[3])`.
 */
export function malformedRequest(request: RequestReader): LocalReply {
  const error = request.error;
  message.clear();
  message.appendBytes(error == null ? TOKEN_TOO_LONG : error);
  if (request.errorOffset >= 0) {
    message.appendBytes(AT_BYTE);
    message.appendDecimal(request.errorOffset);
  }
  const before = message.len;
  message.appendBytes(PATH_OPEN);
  const path = message.len;
  request.appendPath(message);
  if (message.len > path) message.appendByte(Char.CLOSE_PAREN);
  else message.len = before;
  const reply = request.isJson ? BODY_MALFORMED : RAW_MALFORMED;
  reply.setMessage(message.ptr, message.len);
  return reply;
}
