import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { getHeader, headerValue } from "../sdk/host/headers";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { httpStatusOf } from "./grpc-status";
import { appendPercentDecoded } from "./percent";

/** Errors that a gateway's own conversion and a task's converter answer with alike: `{"error":"...","reason":"..."}`. */

export const ENCODED = new LocalReply(415, 3, "content_encoding", "send the body without content-encoding");
export const BODY_TOO_LARGE = new LocalReply(
  413,
  8,
  "body_too_large",
  "the body is over the limit of the gateway",
);
export const OVERLOADED = new LocalReply(
  503,
  8,
  "memory_exhausted",
  "the gateway converts too many bodies at once",
);
export const TRAILERS_REFUSED = new LocalReply(400, 3, "request_trailers", "send the body without trailers");

/** By gRPC status, made when first needed; each reason is the status's own number. */
const modelErrors = new StaticArray<LocalReply | null>(17);

/** A reply of the model that is not one. */
export function modelFault(why: Bytes): LocalReply {
  MODEL_FAULT.setMessage(why.ptr, why.len);
  return MODEL_FAULT;
}

const MODEL_FAULT = new LocalReply(502, 13, "model_reply_malformed", "");
const GRPC_MESSAGE = bytes("grpc-message");
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
