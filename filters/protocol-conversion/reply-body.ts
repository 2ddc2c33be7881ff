import { CUT_OFF, NOT_FINITE } from "../model-protocol/model-faults";
import { nonFiniteSeen } from "../model-protocol/numbers/float-text";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { appendJsonText } from "../sdk/bytes/json-text";
import { RESPONSE_BODY } from "../sdk/host/abi";
import { replaceBody } from "../sdk/host/body";
import { sink } from "./body/body-sink";
import { closeWindow, openWindow, view } from "./body/input-window";
import { Conversion } from "./conversion";
import { TOKEN_TOO_LONG } from "./json/faults";

/**
 * Converts a chunk of `size` bytes that lies in the response body buffer. @returns what is wrong with the
 * model's reply, or null; the buffer then holds what goes on to the caller.
 */
export function convertReplyChunk(conversion: Conversion, size: i32, endOfStream: bool): Bytes | null {
  const reply = conversion.reply;
  const fault = readReplyChunk(conversion, 0, size, endOfStream);
  if (fault != null) return fault;
  if (reply.out.length > 0) conversion.replyBegun = true;
  sink.replace(RESPONSE_BODY);
  sink.pieces(reply.out);
  sink.finish();
  return null;
}

/**
 * As `convertReplyChunk`, of [from, size) of the buffer, which stays as it is: the reply keeps what came out.
 */
export function readReplyChunk(
  conversion: Conversion,
  from: i32,
  size: i32,
  endOfStream: bool,
): Bytes | null {
  const reply = conversion.reply;
  for (let offset = from; offset < size; ) {
    const read = openWindow(RESPONSE_BODY, offset, size, conversion.carry);
    if (read == 0) break;
    const rest = reply.parse(view.start, view.end);
    if (rest == 0) return reply.error;
    if (nonFiniteSeen) return NOT_FINITE;
    if (!closeWindow(rest, conversion.carry)) return TOKEN_TOO_LONG;
    offset += read;
  }
  return endOfStream && !replyComplete(conversion) ? CUT_OFF : null;
}

/** Has all of the model's reply been converted? */
export function replyComplete(conversion: Conversion): bool {
  return conversion.reply.complete && conversion.carry.len == 0;
}

const ERROR_OPEN = bytes('{"error":"');
const ERROR_CLOSE = bytes('","reason":"upstream_error"}\n');
const text: ByteBuffer = new ByteBuffer();

/** Starts JSON of an error that Envoy or a proxy behind it wrote as text. */
export function openUpstreamError(conversion: Conversion): void {
  conversion.upstreamError = true;
  conversion.carry.clear();
  conversion.carry.appendBytes(ERROR_OPEN);
}

export function convertUpstreamError(conversion: Conversion, size: i32, endOfStream: bool): void {
  text.clear();
  text.append(conversion.carry.ptr, conversion.carry.len);
  conversion.carry.clear();
  for (let offset = 0; offset < size; ) {
    const read = openWindow(RESPONSE_BODY, offset, size, conversion.carry);
    if (read == 0) break;
    appendJsonText(text, view.start, <i32>(view.end - view.start));
    offset += read;
  }
  if (endOfStream) text.appendBytes(ERROR_CLOSE);
  replaceBody(RESPONSE_BODY, text.ptr, text.len);
}
