import { MessageReader } from "../../model-protocol/message-reader";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Char } from "../../sdk/bytes/chars";
import { Message } from "./message-json";

const ONLY: i32 = 1;
const fields: MessageReader = new MessageReader();
/** `fields` is free again before a message within is written; a list walks on meanwhile. */
const elements: MessageReader = new MessageReader();

/** A message that stands for its field 1, a message. */
export class Wrapped extends Message {
  constructor(readonly content: Message) {
    super([]);
  }

  appendJson(out: ByteBuffer, from: usize, to: usize): bool {
    let start: usize = 0;
    let end: usize = 0;
    for (fields.start(from, to); fields.next(); ) {
      if (!fields.isBytes(ONLY)) continue;
      start = fields.from;
      end = fields.to;
    }
    return !fields.malformed && this.content.appendJson(out, start, end);
  }
}

/** A message that stands for its field 1, messages: a JSON array. */
export class WrappedList extends Message {
  constructor(readonly content: Message) {
    super([]);
  }

  appendJson(out: ByteBuffer, from: usize, to: usize): bool {
    out.appendByte(Char.OPEN_BRACKET);
    let first = true;
    for (elements.start(from, to); elements.next(); ) {
      if (!elements.isBytes(ONLY)) continue;
      if (!first) out.appendByte(Char.COMMA);
      first = false;
      if (!this.content.appendJson(out, elements.from, elements.to)) return false;
    }
    out.appendByte(Char.CLOSE_BRACKET);
    return !elements.malformed;
  }
}
