import { modelFault, streamError } from "../model-protocol/common-replies";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Char } from "../sdk/bytes/chars";
import { RESPONSE_BODY } from "../sdk/host/abi";
import { replaceBody } from "../sdk/host/body";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { sink } from "./body/body-sink";
import { Conversion } from "./conversion";
import { NOT_ONE_REPLY } from "./replies";
import { readReplyChunk } from "./reply-body";

/** The only reply of a model's stream, for a caller who wants one: it waits for the end of the stream. */

const HELD_BYTE = memory.data<u8>([Char.SPACE]);

/**
 * Takes a chunk of `size` bytes that lies in the response body buffer behind the byte that is held; one byte
 * stays there.
 * @returns what the caller is refused with, or null
 */
export function gatherReplyChunk(
  http: HttpContext,
  conversion: Conversion,
  size: i32,
  endOfStream: bool,
): LocalReply | null {
  const held = conversion.heldReplyBytes;
  http.responseTensorBytes += size - held;
  const fault = readReplyChunk(conversion, held, size, endOfStream);
  if (fault != null) return modelFault(fault);
  if (conversion.replies > 1) conversion.reply.out.release();
  conversion.heldReplyBytes = 1;
  replaceBody(RESPONSE_BODY, HELD_BYTE, 1);
  return null;
}

const text: ByteBuffer = new ByteBuffer();

/**
 * The stream is over: puts its reply into the response body buffer. Where the headers went on already an
 * error is the body of a 200, as that of an event is.
 * @returns what the caller is refused with, or null
 */
export function finishGathered(http: HttpContext, conversion: Conversion): LocalReply | null {
  const error = conversion.reply.streamError;
  let failure: LocalReply | null = null;
  if (conversion.replies != 1) failure = NOT_ONE_REPLY;
  else if (error.len > 0) failure = streamError(error);
  const canRefuse = conversion.held || conversion.heldReplyBytes == 0;
  conversion.held = false;
  if (failure != null && canRefuse) return failure;
  sink.replace(RESPONSE_BODY);
  if (failure != null) {
    http.noteFailure(failure);
    text.clear();
    conversion.appendError(text, failure);
    sink.piece(text.ptr, text.len);
  } else sink.pieces(conversion.reply.out);
  sink.finish();
  return null;
}
