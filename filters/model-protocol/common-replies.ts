import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes, startsWith } from "../sdk/bytes/bytes";
import { GRPC_MESSAGE } from "../sdk/bytes/header-names";
import { GrpcCode } from "../sdk/host/grpc-code";
import { getHeader, headerValue } from "../sdk/host/headers";
import { HttpStatus } from "../sdk/host/http-status";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { httpStatusOf, openInferenceStatusOf } from "./grpc-status";
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
export const MODEL_UNREACHABLE = new LocalReply(
  HttpStatus.SERVICE_UNAVAILABLE,
  GrpcCode.UNAVAILABLE,
  "upstream_error",
  "the model server did not answer",
);
export const TRAILERS_REFUSED = new LocalReply(
  HttpStatus.BAD_REQUEST,
  GrpcCode.INVALID_ARGUMENT,
  "request_trailers",
  "send the body without trailers",
);

/** To what changes the model server, over HTTP and gRPC. */
export const NOT_PASSED = new LocalReply(
  HttpStatus.NOT_FOUND,
  GrpcCode.UNIMPLEMENTED,
  "management_not_passed",
  "the gateway does not pass what manages a model server (load and unload, shared memory, trace and log settings): it changes the server for all its callers, and shared memory is the caller's own machine's, which the server can't reach; ask the server itself",
);

const GRPC_CODES: i32 = GrpcCode.UNAUTHENTICATED + 1;
/**
 * By gRPC status, made when first needed; each reason is the status's own number. Then those of the Open
 * Inference Protocol.
 */
const modelErrors = new StaticArray<LocalReply | null>(2 * GRPC_CODES);

const OTHER_PROTOCOL = new LocalReply(
  HttpStatus.NOT_FOUND,
  GrpcCode.NOT_FOUND,
  "path_unknown",
  "the task's model server does not speak the protocol of this path: /v2 is the Open Inference Protocol, /v1 TensorFlow Serving; its ModelTask says which under spec.conversion.protocol",
);

/** A reply of the model that is not one. */
export function modelFault(why: Bytes): LocalReply {
  MODEL_FAULT.setMessage(why.ptr, why.len);
  return MODEL_FAULT;
}

const MODEL_FAULT = new LocalReply(HttpStatus.BAD_GATEWAY, GrpcCode.INTERNAL, "model_reply_malformed", "");
const NO_MESSAGE = bytes("the model server failed and did not say why");
const message: ByteBuffer = new ByteBuffer();

/** What gRPC's libraries say of a method that a server does not have; those of C++ and Rust say nothing. */
const NO_METHOD = [
  // Python and Java; Go; Node; .NET.
  bytes("Method not found"),
  bytes("unknown service "),
  bytes("unknown method "),
  bytes("The server does not implement the method "),
  bytes("Service is unimplemented."),
  bytes("Method is unimplemented."),
];

/**
 * The model's own error, its `grpc-message` in a header map.
 * @param code gRPC status; a number that is none where the reply has none
 * @param openInference whether callers get the HTTP statuses that Triton's REST gives
 */
export function modelError(code: i32, mapType: i32, openInference: bool = false): LocalReply {
  const len = getHeader(mapType, GRPC_MESSAGE);
  if (code == GrpcCode.UNIMPLEMENTED && isNoMethod(headerValue(), len)) return OTHER_PROTOCOL;
  message.clear();
  if (len > 0) appendPercentDecoded(message, headerValue(), len);
  else message.appendBytes(NO_MESSAGE);
  return withMessage(code, openInference);
}

function isNoMethod(ptr: usize, len: i32): bool {
  for (let i = 0; i < NO_METHOD.length; i++) if (startsWith(ptr, len, NO_METHOD[i])) return true;
  return len <= 0;
}

const UNKNOWN_MODEL = bytes("unknown model");

/**
 * The error that a model server sent as a message of a stream, which has no code: an unknown model, or
 * anything.
 */
export function streamError(text: ByteBuffer): LocalReply {
  message.clear();
  message.append(text.ptr, text.len);
  return withMessage(contains(text, UNKNOWN_MODEL) ? GrpcCode.NOT_FOUND : GrpcCode.UNKNOWN, true);
}

function contains(text: ByteBuffer, part: Bytes): bool {
  for (let at = text.ptr; at + part.len <= text.end; at++) if (part.equals(at, part.len)) return true;
  return false;
}

/** The model's error with what `message` holds. */
function withMessage(code: i32, openInference: bool): LocalReply {
  const known = code >= 0 && code < GRPC_CODES;
  const reply = known ? errorOf(code, openInference) : errorOf(GrpcCode.UNKNOWN, false);
  reply.setMessage(message.ptr, message.len);
  return reply;
}

function errorOf(code: i32, openInference: bool): LocalReply {
  const index = openInference ? GRPC_CODES + code : code;
  let reply = modelErrors[index];
  if (reply == null) {
    const status = openInference ? openInferenceStatusOf(code) : httpStatusOf(code);
    reply = new LocalReply(status, code, `model_error_${code.toString()}`, "");
    modelErrors[index] = reply;
  }
  return reply;
}
