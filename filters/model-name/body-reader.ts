import { CallFacts } from "../model-protocol/call-facts";
import { LONGEST_MODEL, ModelFault } from "../model-protocol/model-in-body";
import { wholeNumber } from "../model-protocol/token-usage";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { bytes } from "../sdk/bytes/bytes";
import { lowerCase } from "../sdk/bytes/chars";
import { MemberScanner, Scan, ValueKind } from "../sdk/bytes/member-scanner";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { StreamState } from "../sdk/pipeline/stream-state";

const MODEL = bytes("model");
const MAX_COMPLETION_TOKENS = bytes("max_completion_tokens");
const MAX_TOKENS = bytes("max_tokens");
const MAX_OUTPUT_TOKENS = bytes("max_output_tokens");
const ANSWERS = bytes("n");
const STREAM = bytes("stream");
const STREAM_OPTIONS = bytes("stream_options");
const TRUE = bytes("true");
const LONGEST_NUMBER: i32 = 20;

/** Whose value the scanner was asked for. */
enum Asked {
  Model,
  MaxTokens,
  Answers,
  Stream,
}

/** Reads the model of one body as its bytes come, and what the call may cost. */
export class BodyReader extends StreamState {
  readonly scanner: MemberScanner = new MemberScanner();
  /** The headers wait for the model. */
  holding: bool = false;
  /** Bytes of the body that were read. */
  read: i32 = 0;
  /** The name is known: it is in `model`. */
  found: bool = false;
  readonly model: ByteBuffer = new ByteBuffer();
  modelStart: i64 = 0;
  modelEnd: i64 = 0;
  readonly facts: CallFacts = new CallFacts();
  /** The body has `stream_options`. */
  hasStreamOptions: bool = false;
  private asked: Asked = Asked.Model;

  reset(): void {
    this.scanner.reset();
    this.holding = false;
    this.read = 0;
    this.found = false;
    this.model.clear();
    this.facts.reset();
    this.hasStreamOptions = false;
  }

  /** Reads the next bytes of the body. @returns why it is refused, or None */
  add(ptr: usize, len: i32): ModelFault {
    const scanner = this.scanner;
    scanner.feed(ptr, len);
    this.facts.bodyBytes += len;
    while (true) {
      const scan = scanner.next();
      if (scan == Scan.More) return ModelFault.None;
      if (scan == Scan.Malformed) return ModelFault.Malformed;
      const fault = scan == Scan.Key ? this.key() : this.value();
      if (fault != ModelFault.None) return fault;
    }
  }

  /** The body is whole. @returns why it is refused, or None */
  end(): ModelFault {
    if (!this.scanner.done) return ModelFault.Malformed;
    return this.found ? ModelFault.None : ModelFault.Missing;
  }

  private key(): ModelFault {
    const key = this.scanner.key;
    if (mayBeModel(key)) {
      if (this.found || !MODEL.equals(key.ptr, key.len)) return ModelFault.Ambiguous;
      this.ask(Asked.Model, LONGEST_MODEL);
    } else if (isMaxTokens(key)) this.ask(Asked.MaxTokens, LONGEST_NUMBER);
    else if (ANSWERS.equals(key.ptr, key.len)) this.ask(Asked.Answers, LONGEST_NUMBER);
    else if (STREAM.equals(key.ptr, key.len)) this.ask(Asked.Stream, LONGEST_NUMBER);
    else if (STREAM_OPTIONS.equals(key.ptr, key.len)) this.hasStreamOptions = true;
    return ModelFault.None;
  }

  private ask(what: Asked, most: i32): void {
    this.asked = what;
    this.scanner.keep(most);
  }

  private value(): ModelFault {
    const scanner = this.scanner;
    if (this.asked != Asked.Model) {
      this.fact();
      return ModelFault.None;
    }
    if (scanner.kind != ValueKind.String || scanner.clipped) return ModelFault.Missing;
    this.found = true;
    this.model.clear();
    this.model.append(scanner.text.ptr, scanner.text.len);
    this.modelStart = scanner.valueStart;
    this.modelEnd = scanner.valueEnd;
    return ModelFault.None;
  }

  /** Of two members of one name the one that costs more counts. */
  private fact(): void {
    const scanner = this.scanner;
    const facts = this.facts;
    const text = scanner.text;
    if (this.asked == Asked.Stream) {
      if (scanner.kind == ValueKind.Word && TRUE.equals(text.ptr, text.len)) facts.streams = true;
      return;
    }
    const number = scanner.kind == ValueKind.Number ? wholeNumber(text) : 0;
    if (this.asked == Asked.Answers) facts.answers = max(facts.answers, number);
    else facts.maxTokens = max(facts.maxTokens, number);
  }

  release(): void {
    readers.release(this);
  }
}

/**
 * Would a server take the key for `model`? Some compare without case (Go's encoding/json), some stop at a
 * NUL.
 */
function mayBeModel(key: ByteBuffer): bool {
  if (key.len < MODEL.len || (key.len > MODEL.len && load<u8>(key.ptr + MODEL.len) != 0)) return false;
  for (let i: i32 = 0; i < MODEL.len; i++)
    if (lowerCase(load<u8>(key.ptr + i)) != load<u8>(MODEL.ptr + i)) return false;
  return true;
}

function isMaxTokens(key: ByteBuffer): bool {
  return (
    MAX_TOKENS.equals(key.ptr, key.len) ||
    MAX_COMPLETION_TOKENS.equals(key.ptr, key.len) ||
    MAX_OUTPUT_TOKENS.equals(key.ptr, key.len)
  );
}

export const readers: StreamPool<BodyReader> = new StreamPool<BodyReader>();
