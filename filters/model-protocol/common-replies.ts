import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { GRPC_MESSAGE } from "../sdk/bytes/header-names";
import { GrpcCode } from "../sdk/host/grpc-code";
import { getHeader, headerValue } from "../sdk/host/headers";
import { HttpStatus } from "../sdk/host/http-status";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { httpStatusOf } from "./grpc-status";
import { appendPercentDecoded } from "./percent";

/**
 * Errors that a gateway's own conversion and a task's converter answer with alike:
 * `{"error":"...","reason":"..."}`.
 */

export const ENCODED = new LocalReply(
  HttpStatus.UNSUPPORTED_MEDIA_TYPE,
  GrpcCode.INVALID_ARGUMENT,
  "content_encoding",
  "send the body without content-encoding",
);
export const BODY_TOO_LARGE = new LocalReply(
  HttpStatus.CONTENT_TOO_LARGE,
  GrpcCode.RESOURCE_EXHAUSTED,
  "body_too_large",
  "the body is over the limit of the gateway",
);
export const OVERLOADED = new LocalReply(
  HttpStatus.SERVICE_UNAVAILABLE,
  GrpcCode.RESOURCE_EXHAUSTED,
  "memory_exhausted",
  "the gateway converts too many bodies at once",
);
export const TRAILERS_REFUSED = new LocalReply(
  HttpStatus.BAD_REQUEST,
  GrpcCode.INVALID_ARGUMENT,
  "request_trailers",
  "send the body without trailers",
);

/** By gRPC status, made when first needed; each reason is the status's own number. */
const modelErrors = new StaticArray<LocalReply | null>(GrpcCode.UNAUTHENTICATED + 1);

/** A reply of the model that is not one. */
export function modelFault(why: Bytes): LocalReply {
  MODEL_FAULT.setMessage(why.ptr, why.len);
  return MODEL_FAULT;
}

const MODEL_FAULT = new LocalReply(HttpStatus.BAD_GATEWAY, GrpcCode.INTERNAL, "model_reply_malformed", "");
const NO_MESSAGE = bytes("the model server failed and did not say why");
const message: ByteBuffer = new ByteBuffer();

/** The model's own error, its `grpc-message` in a header map. */
export function modelError(status: i32, mapType: i32): LocalReply {
  let reply = modelErrors[status];
  if (reply == null) {
    reply = new LocalReply(httpStatusOf(status), status, `model_error_${status.toString()}`, "");
    modelErrors[status] = reply;
  }
  message.clear();
  const len = getHeader(mapType, GRPC_MESSAGE);
  if (len > 0) appendPercentDecoded(message, headerValue(), len);
  else message.appendBytes(NO_MESSAGE);
  reply.setMessage(message.ptr, message.len);
  return reply;
}
