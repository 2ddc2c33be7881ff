import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { bytes, startsWithIgnoreCase } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { CONTENT_ENCODING, CONTENT_TYPE } from "../sdk/bytes/header-names";
import { RESPONSE_HEADERS } from "../sdk/host/abi";
import { getHeader, headerValue } from "../sdk/host/headers";
import { LocalReply } from "../sdk/pipeline/local-reply";

/** What a stream over HTTP is made of. */
export enum Form {
  /** It is no stream, or one whose bytes mean nothing here. */
  None,
  /** Events (HTML standard, section 9.2). */
  Events,
  /** A JSON text a line. */
  Lines,
}

const EVENTS = bytes("text/event-stream");
const LINES = bytes("application/x-ndjson");
const DATA = bytes("data: ");

export function formOfResponse(): Form {
  if (getHeader(RESPONSE_HEADERS, CONTENT_ENCODING) > 0) return Form.None;
  const length = getHeader(RESPONSE_HEADERS, CONTENT_TYPE);
  if (length < 0) return Form.None;
  if (startsWithIgnoreCase(headerValue(), length, EVENTS)) return Form.Events;
  return startsWithIgnoreCase(headerValue(), length, LINES) ? Form.Lines : Form.None;
}

/** Is an event, or a line, whole at the end of these bytes? */
export function endsPiece(form: Form, ptr: usize, len: i32): bool {
  let breaks = 0;
  // Line breaks are CR, LF or both; an event ends with an empty line.
  for (let at = len - 1; at >= 0; at--) {
    const c = load<u8>(ptr + at);
    if (c != Char.LF && c != Char.CR) break;
    if (c == Char.LF && at > 0 && load<u8>(ptr + at - 1) == Char.CR) at--;
    breaks++;
  }
  return breaks >= (form == Form.Events ? 2 : 1);
}

const text: ByteBuffer = new ByteBuffer();

/** The error as the last event or line of a stream. @returns a buffer that the next call reuses */
export function lastPiece(form: Form, openAi: bool, reply: LocalReply): ByteBuffer {
  text.clear();
  if (form == Form.Events) text.appendBytes(DATA);
  reply.appendBody(text, openAi);
  // The error ends with a line break.
  if (form == Form.Events) text.appendByte(Char.LF);
  return text;
}
