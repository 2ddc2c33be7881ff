import { Datatype } from "../../model-protocol/datatype";
import { MessageReader } from "../../model-protocol/message-reader";
import { ENTRY_KEY, ENTRY_VALUE, PARAMETER_BOOL } from "../../model-protocol/open-inference-fields";
import { Operation } from "../../model-protocol/route";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char, hexCharacter } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";
import { wallNanos } from "../../sdk/host/clock";
import { HttpStatus } from "../../sdk/host/http-status";
import { randomId } from "../../sdk/host/random-id";
import { appendOpenAiError } from "../../sdk/pipeline/openai-error";
import { SlabChain } from "../body/slabs";
import { Output } from "../open-inference/output";
import { Form, ReplyJson } from "../open-inference/reply-json";
import { OpenAiMapping } from "./mapping";
import { OpenAiRequest } from "./openai-request";
import { holdsText, lastNumber, ReplyValues } from "./reply-values";

const FINAL_RESPONSE = bytes("triton_final_response");
const MODEL_ERROR = bytes("model_error_2");

const DATA = bytes("data: ");
const EVENT_END = bytes("\n\n");
const ID = bytes('{"id":"');
const OBJECT = bytes('","object":"');
const CREATED = bytes('","created":');
const MODEL = bytes(',"model":');
const CHOICES = bytes(',"choices":[{"index":0,');
const NO_CHOICES = bytes(',"choices":[]');
const MESSAGE = bytes('"message":{"role":"assistant","content":');
const DELTA = bytes('"delta":{"content":');
const FIRST_DELTA = bytes('"delta":{"role":"assistant","content":');
const EMPTY_DELTA = bytes('"delta":{}');
const TEXT = bytes('"text":');
const FINISH_REASON = bytes(',"logprobs":null,"finish_reason":');
const NULL = bytes("null");
const STOP = bytes('"stop"');
const EMPTY_TEXT = bytes('""');
const END_OF_CHOICES = bytes("}]");
const USAGE = bytes(',"usage":');
const PROMPT_TOKENS = bytes('{"prompt_tokens":');
const COMPLETION_TOKENS = bytes(',"completion_tokens":');
const TOTAL_TOKENS = bytes(',"total_tokens":');
const DONE = bytes("data: [DONE]\n\n");
const CHAT_ID = bytes("chatcmpl-");
const COMPLETION_ID = bytes("cmpl-");
const CHAT = bytes("chat.completion");
const CHUNK = bytes(".chunk");
const COMPLETION = bytes("text_completion");

const fields: MessageReader = new MessageReader();
const value: MessageReader = new MessageReader();
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/**
 * Replies of a model as OpenAI's API has them: one object for a chat completion or a completion, or chunks of
 * a stream, which ends where the model server marks a reply as the last.
 */
export class OpenAiJson extends ReplyJson {
  private mapping: OpenAiMapping = new OpenAiMapping();
  private ofChat: bool = false;
  private includesUsage: bool = false;
  private readonly values: ReplyValues = new ReplyValues();
  /** All chunks begin alike: `{"id":...,"model":...`. */
  private readonly opening: ByteBuffer = new ByteBuffer();
  /** Chunks with a text went out; the reason of the end did; the end did. */
  private began: bool = false;
  private finished: bool = false;
  private ended: bool = false;
  /** Of the reply at hand: it is the last one; it has the text, which is being or was written. */
  private last: bool = false;
  private hasText: bool = false;

  /** Does the model server answer with a stream? Else its only reply is the last. */
  private isOfStream: bool = false;

  /** Makes it ready for the replies to `request`. */
  begin(mapping: OpenAiMapping, operation: Operation, request: OpenAiRequest, isOfStream: bool): void {
    const model = request.modelName;
    this.mapping = mapping;
    this.ofChat = operation == Operation.ChatCompletions;
    this.includesUsage = request.includesUsage;
    this.isOfStream = isOfStream;
    this.began = false;
    this.finished = false;
    this.ended = false;
    this.values.release();
    const opening = this.opening;
    opening.clear();
    opening.appendBytes(ID);
    opening.appendBytes(this.ofChat ? CHAT_ID : COMPLETION_ID);
    for (let id = randomId(), i = 0; i < 16; i++, id >>= 4) opening.appendByte(hexCharacter(<u8>(id & 15)));
    opening.appendBytes(OBJECT);
    opening.appendBytes(this.ofChat ? CHAT : COMPLETION);
    if (this.ofChat && request.streams) opening.appendBytes(CHUNK);
    opening.appendBytes(CREATED);
    opening.appendDecimal(wallNanos() / NANOS_PER_SECOND);
    opening.appendBytes(MODEL);
    appendJsonString(opening, model.ptr, model.len, i32.MAX_VALUE);
  }

  release(): void {
    this.values.release();
  }

  start(): void {
    super.start();
    this.last = false;
    this.hasText = false;
  }

  addText(_field: i32, _ptr: usize, _len: i32): void {}

  /** Only whether the reply is the last of its stream counts. */
  addParameter(from: usize, to: usize): bool {
    let isMark = false;
    for (fields.start(from, to); fields.next(); ) {
      if (fields.isBytes(ENTRY_KEY)) isMark = FINAL_RESPONSE.equals(fields.from, fields.length);
      else if (isMark && fields.isBytes(ENTRY_VALUE)) {
        for (value.start(fields.from, fields.to); value.next(); )
          if (value.isVarint(PARAMETER_BOOL)) this.last = value.value != 0;
      }
    }
    return !fields.malformed;
  }

  target(output: Output, out: SlabChain): SlabChain {
    return this.isText(output) ? out : this.values.of(this.mapping, output);
  }

  /** Is it the output with the text, and that one text? */
  private isText(output: Output): bool {
    const name = output.name;
    const isOne = output.datatype == Datatype.BYTES && output.product == 1;
    return isOne && !this.ended && !this.hasText && this.mapping.text.equals(name.ptr, name.len);
  }

  openTensor(output: Output, _first: bool, out: SlabChain): void {
    this.opened = true;
    if (!this.isText(output)) return;
    this.hasText = true;
    this.openChoice(out);
  }

  private get streams(): bool {
    return this.form == Form.Events;
  }

  private openChunk(out: SlabChain): void {
    if (this.streams) out.appendBytes(DATA);
    out.append(this.opening.ptr, this.opening.len);
  }

  private openChoice(out: SlabChain): void {
    this.openChunk(out);
    out.appendBytes(CHOICES);
    if (!this.ofChat) out.appendBytes(TEXT);
    else if (!this.streams) out.appendBytes(MESSAGE);
    else out.appendBytes(this.began ? DELTA : FIRST_DELTA);
    this.began = true;
  }

  openOutputs(_out: SlabChain): void {
    this.opened = true;
  }

  closeTensor(_out: SlabChain): void {}

  close(out: SlabChain): void {
    // What comes behind the end goes nowhere.
    if (this.ended) return;
    const reason = this.values.finishReason;
    const says = holdsText(reason);
    if (!this.streams && !this.hasText) {
      this.openChoice(out);
      out.appendBytes(EMPTY_TEXT);
      this.hasText = true;
    }
    if (this.hasText) {
      if (this.ofChat) out.appendByte(Char.CLOSE_BRACE);
      this.closeChoice(out, says || !this.streams);
    }
    if (this.streams && (this.last || !this.isOfStream)) this.endStream(out);
  }

  /** Writes what stands behind the text of a choice. */
  private closeChoice(out: SlabChain, isLast: bool): void {
    out.appendBytes(FINISH_REASON);
    const reason = this.values.finishReason;
    if (!isLast) out.appendBytes(NULL);
    else if (holdsText(reason))
      out.append(reason.slabData(reason.firstSlab), reason.slabLength(reason.firstSlab));
    else out.appendBytes(STOP);
    if (isLast) this.finished = true;
    out.appendBytes(END_OF_CHOICES);
    if (this.streams) {
      if (this.includesUsage) {
        out.appendBytes(USAGE);
        out.appendBytes(NULL);
      }
    } else if (this.countsTokens) this.appendUsage(out);
    out.appendByte(Char.CLOSE_BRACE);
    if (this.streams) out.appendBytes(EVENT_END);
  }

  private endStream(out: SlabChain): void {
    if (this.ended) return;
    this.ended = true;
    if (!this.finished) {
      this.openChunk(out);
      out.appendBytes(CHOICES);
      out.appendBytes(this.ofChat ? EMPTY_DELTA : TEXT);
      if (!this.ofChat) out.appendBytes(EMPTY_TEXT);
      this.closeChoice(out, true);
    }
    if (this.includesUsage && this.countsTokens) {
      this.openChunk(out);
      out.appendBytes(NO_CHOICES);
      this.appendUsage(out);
      out.appendByte(Char.CLOSE_BRACE);
      out.appendBytes(EVENT_END);
    }
    out.appendBytes(DONE);
  }

  private get countsTokens(): bool {
    return this.mapping.promptTokens.len + this.mapping.completionTokens.len > 0;
  }

  private appendUsage(out: SlabChain): void {
    const prompt = lastNumber(this.values.promptTokens);
    const completion = lastNumber(this.values.completionTokens);
    const text = this.text;
    text.clear();
    text.appendBytes(USAGE);
    text.appendBytes(PROMPT_TOKENS);
    text.appendDecimal(prompt);
    text.appendBytes(COMPLETION_TOKENS);
    text.appendDecimal(completion);
    text.appendBytes(TOTAL_TOKENS);
    text.appendDecimal(prompt + completion);
    text.appendByte(Char.CLOSE_BRACE);
    out.append(text.ptr, text.len);
  }

  writeError(ptr: usize, len: i32, out: SlabChain): void {
    this.opened = true;
    if (this.ended) return;
    this.finished = true;
    const text = this.text;
    text.clear();
    if (this.streams) text.appendBytes(DATA);
    appendOpenAiError(text, HttpStatus.BAD_REQUEST, MODEL_ERROR, ptr, len);
    out.append(text.ptr, text.len);
    // The error ends with a line feed of its own.
    if (this.streams) out.appendByte(Char.LF);
  }
}
