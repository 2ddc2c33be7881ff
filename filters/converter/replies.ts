import { httpStatusOf } from "../protocol-conversion/grpc-status";
import { appendPercentDecoded } from "../protocol-conversion/percent";
import { ByteBuffer } from "../sdk/byte-buffer";
import { bytes } from "../sdk/bytes";
import { getHeader, headerValue } from "../sdk/headers";
import { LocalReply } from "../sdk/local-reply";

/** The errors of a converter: `{"error":"...","reason":"..."}`. */

export const ENCODED = new LocalReply(415, 3, "content_encoding", "send the body without content-encoding");
export const BODY_MISSING = new LocalReply(400, 3, "body_missing", "a body is required");
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

const REFUSED = new LocalReply(400, 3, "converter_refused", "");
const FAILED = new LocalReply(502, 13, "converter_failed", "");
const MODEL_FAULT = new LocalReply(502, 13, "model_reply_malformed", "");
/** By gRPC status, made when first needed. */
const modelErrors = new StaticArray<LocalReply | null>(17);

const GRPC_MESSAGE = bytes("grpc-message");
const text: ByteBuffer = new ByteBuffer();

function saying(reply: LocalReply, message: string): LocalReply {
  const utf8 = String.UTF8.encode(message);
  reply.setMessage(changetype<usize>(utf8), utf8.byteLength);
  return reply;
}

/** `before` gave no request for the model. */
export function refused(why: string): LocalReply {
  return saying(REFUSED, why.length > 0 ? why : "the task's converter takes no such request");
}

/** `after` gave no answer. */
export function failed(why: string): LocalReply {
  return saying(FAILED, why.length > 0 ? why : "the task's converter takes no such reply of the model");
}

export function modelFault(why: string): LocalReply {
  return saying(MODEL_FAULT, why);
}

/** The model's own error, its `grpc-message` in a header map. */
export function modelError(status: i32, mapType: i32): LocalReply {
  let reply = modelErrors[status];
  if (reply == null) {
    reply = new LocalReply(httpStatusOf(status), status, `model_error_${status}`, "");
    modelErrors[status] = reply;
  }
  text.clear();
  const len = getHeader(mapType, GRPC_MESSAGE);
  if (len > 0) appendPercentDecoded(text, headerValue(), len);
  reply.setMessage(text.ptr, text.len);
  return reply;
}
