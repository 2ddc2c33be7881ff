import { decimalToInteger, integerValue, integral } from "../../model-protocol/numbers/decimal";
import { REQUEST_PARAMETERS } from "../../model-protocol/open-inference-fields";
import { Operation } from "../../model-protocol/route";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { SlabChain } from "../body/slabs";
import { ModelDescription } from "../generate/model-description";
import { Member, NamedRequest, Role } from "../generate/named-request";
import { copyText, textClosed, textMalformed } from "../json/element-text";
import { WRONG_TYPE } from "../json/faults";
import { IGNORED } from "../json/place";
import { text } from "../json/tokens";
import { BAD_TEXT } from "../open-inference/infer-faults";
import { appendBoolean } from "../open-inference/parameters";
import { OpenAiMapping } from "./mapping";
import { MemberKind, memberOf } from "./members";
import * as fault from "./openai-faults";

/**
 * A request of OpenAI's API for chat completions, completions or embeddings -> `inference.ModelInferRequest`.
 * The messages of a chat become one text by the task's template; what else the model gets is what the task's
 * mapping names.
 */

/** Roles of containers. */
const MESSAGES: i32 = Role.Others;
const MESSAGE: i32 = Role.Others + 1;
const PARTS: i32 = Role.Others + 2;
const PART: i32 = Role.Others + 3;
const STREAM_OPTIONS: i32 = Role.Others + 4;

const PROMPT = bytes("prompt");
const INPUT = bytes("input");
const ROLE = bytes("role");
const CONTENT = bytes("content");
const TOOL_CALLS = bytes("tool_calls");
const FUNCTION_CALL = bytes("function_call");
const TYPE = bytes("type");
const TEXT = bytes("text");
const INCLUDE_USAGE = bytes("include_usage");
const EMPTY_FINAL = new ByteBuffer();
EMPTY_FINAL.appendBytes(bytes("triton_enable_empty_final_response"));

export class OpenAiRequest extends NamedRequest {
  private mapping: OpenAiMapping = new OpenAiMapping();
  private ofChat: bool = false;
  private ofEmbeddings: bool = false;
  /** Name of the model, as the caller wrote it. */
  readonly modelName: ByteBuffer = new ByteBuffer();
  streams: bool = false;
  includesUsage: bool = false;
  private hasText: bool = false;
  /** Of the message that is open. */
  private readonly author: ByteBuffer = new ByteBuffer();
  private readonly content: SlabChain = new SlabChain();
  private prompt: SlabChain = new SlabChain();
  private promptStart: i32 = 0;
  private partIsText: bool = false;
  /** The value that comes is that of `prompt` or `input`. */
  private readsText: bool = false;

  /** Makes it ready for a request to this model; `name` is what the model server calls it. */
  reset(model: ModelDescription, mapping: OpenAiMapping, operation: Operation, name: ByteBuffer): void {
    none.clear();
    this.startRequest(model, name, none);
    this.mapping = mapping;
    this.ofChat = operation == Operation.ChatCompletions;
    this.ofEmbeddings = operation == Operation.Embeddings;
    this.readsText = false;
    this.modelName.clear();
    this.streams = false;
    this.includesUsage = false;
    this.hasText = false;
    this.content.release();
  }

  release(): void {
    super.release();
    this.content.release();
  }

  finish(): bool {
    const finished = super.finish();
    if (finished && !this.hasText) this.fail(fault.NO_TEXT);
    if (!finished || this.error != null) return false;
    this.sendStream();
    return true;
  }

  /** Tells the model whether a stream is wanted, and its server to mark the end of one. */
  private sendStream(): void {
    this.readsText = false;
    const name = this.mapping.stream;
    if (this.named(name.ptr, name.len) == Member.Input)
      this.finishScalar(this.input.appendBoolean(this.streams, this.contents.add(-1)));
    if (this.streams) appendBoolean(this.head, REQUEST_PARAMETERS, EMPTY_FINAL, true);
  }

  protected openOther(object: bool): i32 {
    const member = this.member;
    const role = this.role;
    if (role == MESSAGES) {
      if (!object) this.fail(WRONG_TYPE);
      this.author.clear();
      return MESSAGE;
    }
    if (role == PARTS) {
      if (!object) this.fail(WRONG_TYPE);
      this.partIsText = false;
      return PART;
    }
    if (member == MemberKind.Messages && !object && this.ofChat) return this.openPrompt();
    if (member == MemberKind.Content && !object) return PARTS;
    if (member == MemberKind.StreamOptions && object) return STREAM_OPTIONS;
    this.fail(member == MemberKind.Refused ? fault.UNSUPPORTED : WRONG_TYPE);
    return IGNORED;
  }

  private openPrompt(): i32 {
    const name = this.mapping.prompt;
    this.beginInput(name.ptr, name.len);
    this.readsText = false;
    this.prompt = this.contents.add(-1);
    this.prompt.appendGap(4);
    this.promptStart = this.prompt.length;
    this.mapping.template.begin(this.prompt);
    return MESSAGES;
  }

  protected closedOther(role: i32): void {
    if (role == MESSAGE) {
      if (this.author.len == 0) this.fail(fault.NO_ROLE);
      this.mapping.template.append(this.prompt, this.author, this.content);
    } else if (role == MESSAGES) {
      this.mapping.template.end(this.prompt);
      this.prompt.fillGap(this.prompt.length - this.promptStart, 4);
      this.finishInput(1);
    } else if (role == PART && !this.partIsText) this.fail(fault.TEXT_ONLY);
  }

  protected keyOf(role: i32): i32 {
    const ptr = text.ptr;
    const len = text.len;
    if (role == Role.Request) return this.memberOfRequest(ptr, len);
    if (role == MESSAGE) {
      if (ROLE.equals(ptr, len)) return MemberKind.Role;
      if (CONTENT.equals(ptr, len)) return MemberKind.Content;
      const called = TOOL_CALLS.equals(ptr, len) || FUNCTION_CALL.equals(ptr, len);
      return called ? MemberKind.Refused : Member.Ignored;
    }
    if (role == PART) {
      if (TYPE.equals(ptr, len)) return MemberKind.PartType;
      return TEXT.equals(ptr, len) ? MemberKind.Content : Member.Ignored;
    }
    return INCLUDE_USAGE.equals(ptr, len) ? MemberKind.IncludeUsage : Member.Ignored;
  }

  private memberOfRequest(ptr: usize, len: i32): i32 {
    const parameter = this.mapping.parameters.find(ptr, len);
    this.readsText = false;
    if (parameter != null) return this.named(parameter.ptr, parameter.len);
    if (!this.ofChat && (this.ofEmbeddings ? INPUT : PROMPT).equals(ptr, len)) {
      this.hasText = true;
      this.readsText = true;
      const prompt = this.mapping.prompt;
      this.beginInput(prompt.ptr, prompt.len);
      return Member.Input;
    }
    const member = memberOf(ptr, len);
    if (member == MemberKind.Messages) this.hasText = true;
    return member == Member.Ignored || member == MemberKind.Refused ? member : this.once(member);
  }

  protected stringOther(member: i32): void {
    if (member == MemberKind.Model) {
      this.modelName.clear();
      this.modelName.append(text.ptr, text.len);
    } else if (member == MemberKind.Role) {
      this.author.clear();
      this.author.append(text.ptr, text.len);
    } else if (member == MemberKind.PartType) this.partIsText = TEXT.equals(text.ptr, text.len);
    else this.fail(member == MemberKind.Refused ? fault.UNSUPPORTED : WRONG_TYPE);
  }

  protected numberOther(member: i32): void {
    if (member == MemberKind.Choices) {
      if (!integral || !decimalToInteger(63, false) || integerValue != 1) this.fail(fault.ONE_CHOICE);
    } else this.fail(member == MemberKind.Refused ? fault.UNSUPPORTED : WRONG_TYPE);
  }

  protected literalOther(member: i32, letter: u8): void {
    if (letter == Char.n) {
      if (member == MemberKind.Messages) this.fail(WRONG_TYPE);
    } else if (member == MemberKind.Stream) this.streams = letter == Char.t;
    else if (member == MemberKind.IncludeUsage) this.includesUsage = letter == Char.t;
    else if (member == MemberKind.Refused) {
      if (letter == Char.t) this.fail(fault.UNSUPPORTED);
    } else this.fail(WRONG_TYPE);
  }

  /** What is null is not there. */
  protected absent(_member: Member): void {}

  protected finishInput(count: i64): void {
    if (this.readsText && !this.ofEmbeddings && count != 1) this.fail(fault.ONE_PROMPT);
    else super.finishInput(count);
  }

  protected longText(): bool {
    const role = this.role;
    if (this.member == MemberKind.Content && (role == MESSAGE || role == PART)) return true;
    return super.longText();
  }

  protected moreText(at: usize, to: usize): usize {
    if (this.member != MemberKind.Content) return super.moreText(at, to);
    const end = copyText(at, to, this.content);
    if (textMalformed) this.fail(BAD_TEXT);
    else if (textClosed) this.textDone();
    return end;
  }
}

const none: ByteBuffer = new ByteBuffer();
