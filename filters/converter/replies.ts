import { GrpcCode } from "../sdk/host/grpc-code";
import { HttpStatus } from "../sdk/host/http-status";
import { LocalReply } from "../sdk/pipeline/local-reply";

/** The errors of a converter: `{"error":"...","reason":"..."}`. */

export const BODY_MISSING = new LocalReply(
  HttpStatus.BAD_REQUEST,
  GrpcCode.INVALID_ARGUMENT,
  "body_missing",
  "a body is required",
);
const REFUSED = new LocalReply(HttpStatus.BAD_REQUEST, GrpcCode.INVALID_ARGUMENT, "converter_refused", "");
const FAILED = new LocalReply(HttpStatus.BAD_GATEWAY, GrpcCode.INTERNAL, "converter_failed", "");

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
