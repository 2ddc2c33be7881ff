import { EventMember } from "../../model-protocol/event-members";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { Config } from "../../sdk/pipeline/config";
import { LocalReply } from "../../sdk/pipeline/local-reply";
import { appendOpenAiError } from "../../sdk/pipeline/openai-error";
import { LastEvent } from "../named-limit";

const CHOICES = bytes("choices");
const FINISH = bytes(',"finish_reason":"length","logprobs":null}');
const CHAT = bytes('{"delta":{},"index":');
const TEXT = bytes('{"text":"","index":');
const DELTA = bytes('"delta"');
const DATA = bytes("data: ");
const ERROR_EVENT = bytes("event: error\n");
const END = bytes("\n\n");
const DONE = bytes("data: [DONE]\n\n");

/** As OpenAI bounds `n`. */
const MOST_ANSWERS: i64 = 128;

/** Reads `hard` and `lastEvent`. */
export function readLastEvent(config: Config): LastEvent {
  const isHard = config.flag("hard", false);
  const isError = config.choice("lastEvent", ["length", "error"]) == 1;
  if (!isHard) return LastEvent.None;
  return isError ? LastEvent.Error : LastEvent.Length;
}

const choices: EventMember = new EventMember();

/**
 * Appends the end of a stream.
 * @param event the one that does not go on: the end has what it has beside its choices
 * @param answers how many choices end
 */
export function appendLastEvent(
  out: ByteBuffer,
  event: ByteBuffer,
  answers: i64,
  last: LastEvent,
  reply: LocalReply,
): void {
  if (last == LastEvent.Length && choices.find(event, CHOICES)) {
    out.append(event.ptr, <i32>(choices.value - event.ptr));
    out.appendByte(Char.OPEN_BRACKET);
    const isChat = holds(choices.value, choices.end);
    for (let index: i64 = 0; index < min(answers, MOST_ANSWERS); index++) {
      if (index > 0) out.appendByte(Char.COMMA);
      out.appendBytes(isChat ? CHAT : TEXT);
      out.appendDecimal(index);
      out.appendBytes(FINISH);
    }
    out.appendByte(Char.CLOSE_BRACKET);
    out.append(choices.end, <i32>(event.end - choices.end));
  } else {
    // The Responses API has events by name, and no choices.
    if (!choices.find(event, CHOICES)) out.appendBytes(ERROR_EVENT);
    out.appendBytes(DATA);
    appendOpenAiError(out, <i32>reply.status, reply.reason, reply.message.ptr, reply.message.len);
    out.len--;
    out.appendBytes(END);
  }
  out.appendBytes(DONE);
}

function holds(from: usize, end: usize): bool {
  for (let at = from; at + DELTA.len <= end; at++)
    if (memory.compare(at, DELTA.ptr, DELTA.len) == 0) return true;
  return false;
}
