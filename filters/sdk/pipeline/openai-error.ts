import { ByteBuffer } from "../bytes/byte-buffer";
import { Bytes, bytes } from "../bytes/bytes";
import { appendJsonString } from "../bytes/json-text";
import { HttpStatus } from "../host/http-status";

const MESSAGE = bytes('{"error":{"message":');
const TYPE = bytes(',"type":"');
const CODE = bytes('","param":null,"code":"');
const REASON = bytes('","reason":"');
const CLOSE = bytes('"}}\n');

const INVALID_REQUEST = bytes("invalid_request_error");
const SERVER_ERROR = bytes("server_error");
const PERMISSION = bytes("permission_error");
const REQUESTS = bytes("requests");

const INVALID_API_KEY = bytes("invalid_api_key");
const RATE_LIMIT_EXCEEDED = bytes("rate_limit_exceeded");

/**
 * Appends an error as OpenAI's API has it. Type and code are those that its clients know by the status, else
 * the code is the reason, which stands beside it in any case.
 * @param message of [message, message + len)
 */
export function appendOpenAiError(
  out: ByteBuffer,
  status: i32,
  reason: Bytes,
  message: usize,
  len: i32,
): void {
  out.appendBytes(MESSAGE);
  appendJsonString(out, message, len, i32.MAX_VALUE);
  out.appendBytes(TYPE);
  out.appendBytes(typeOf(status));
  out.appendBytes(CODE);
  out.appendBytes(codeOf(status, reason));
  out.appendBytes(REASON);
  out.appendBytes(reason);
  out.appendBytes(CLOSE);
}

function typeOf(status: i32): Bytes {
  if (status >= HttpStatus.INTERNAL_SERVER_ERROR) return SERVER_ERROR;
  if (status == HttpStatus.FORBIDDEN) return PERMISSION;
  return status == HttpStatus.TOO_MANY_REQUESTS ? REQUESTS : INVALID_REQUEST;
}

function codeOf(status: i32, reason: Bytes): Bytes {
  if (status == HttpStatus.UNAUTHORIZED) return INVALID_API_KEY;
  return status == HttpStatus.TOO_MANY_REQUESTS ? RATE_LIMIT_EXCEEDED : reason;
}
