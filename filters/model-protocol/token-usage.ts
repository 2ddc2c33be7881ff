import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char, isDigit } from "../sdk/bytes/chars";
import { MemberScanner, Scan, ValueKind } from "../sdk/bytes/member-scanner";
import { MOST_TOKENS } from "./call-facts";

const USAGE = bytes("usage");
/** Of the last event of the Responses API: the whole response, its usage among it. */
const RESPONSE = bytes("response");
const INPUT_NAMES: Bytes[] = [bytes("prompt_tokens"), bytes("input_tokens")];
const OUTPUT_NAMES: Bytes[] = [bytes("completion_tokens"), bytes("output_tokens")];
const INPUT_DETAILS: Bytes[] = [bytes("prompt_tokens_details"), bytes("input_tokens_details")];
const OUTPUT_DETAILS: Bytes[] = [bytes("completion_tokens_details"), bytes("output_tokens_details")];
const CACHED = bytes("cached_tokens");
const REASONING = bytes("reasoning_tokens");
const MODEL = bytes("model");
const CHOICES = bytes("choices");
const FINISH_REASON = bytes("finish_reason");
/** Of the Responses API; while the answer is under way it is one of IN_PROGRESS. */
const STATUS = bytes("status");
const IN_PROGRESS: Bytes[] = [bytes("in_progress"), bytes("queued")];
/** Digits of the largest number that is read. */
const LONGEST_NUMBER: i32 = 20;
/** Longest name of a model, and of why it ended, of which the rest is cut off. */
const LONGEST_NAME: i32 = 128;
const LONGEST_FINISH: i32 = 32;
/** Level of the members of the text, or of the `response` in it. */
const LOWEST: i32 = 2;

enum Asked {
  Input,
  Output,
  Cached,
  Reasoning,
  Model,
  Finish,
}

/**
 * Reads the usage of a JSON answer of OpenAI's API, or of one event of a stream, as its bytes come: tokens in
 * and out, and of them those from a cache and those of reasoning; and with it what model answered, and why it
 * ended. Numbers of an object that came before stay until others come, as servers that tell a running usage
 * mean it.
 */
export class TokenUsage {
  input: i64 = 0;
  output: i64 = 0;
  cached: i64 = 0;
  reasoning: i64 = 0;
  /** Did any answer tell of its usage? */
  known: bool = false;
  /** How the server calls the model, and why the last of its choices ended; empty: it did not say. */
  readonly model: ByteBuffer = new ByteBuffer();
  readonly finish: ByteBuffer = new ByteBuffer();

  private readonly scanner: MemberScanner = new MemberScanner();
  private asked: Asked = Asked.Input;
  /** Level of the members of `usage`; 0: outside of it. */
  private usageLevel: i32 = 0;

  /** Makes it ready for another stream. */
  reset(): void {
    this.input = 0;
    this.output = 0;
    this.cached = 0;
    this.reasoning = 0;
    this.known = false;
    this.model.clear();
    this.finish.clear();
    this.start();
  }

  /** Begins with another JSON text of the same stream. */
  start(): void {
    this.scanner.reset();
    this.usageLevel = 0;
  }

  /** Reads the next bytes of a JSON text; what is none tells of nothing. */
  add(ptr: usize, len: i32): void {
    const scanner = this.scanner;
    scanner.feed(ptr, len);
    while (true) {
      const scan = scanner.next();
      if (scan == Scan.Key) this.key();
      else if (scan == Scan.Value) this.value();
      else return;
    }
  }

  private key(): void {
    const scanner = this.scanner;
    const key = scanner.key;
    const level = scanner.level;
    // Its members are over, or there were none, as in `usage: null`.
    if (level < this.usageLevel) this.usageLevel = 0;
    if (this.usageLevel == 0) {
      if (level <= LOWEST) this.outer(key, level);
      else if (FINISH_REASON.equals(key.ptr, key.len)) this.ask(Asked.Finish, LONGEST_FINISH);
      return;
    }
    if (isOne(INPUT_NAMES, key)) this.ask(Asked.Input);
    else if (isOne(OUTPUT_NAMES, key)) this.ask(Asked.Output);
    else if (isOne(INPUT_DETAILS, key) || isOne(OUTPUT_DETAILS, key)) scanner.enter();
    else if (CACHED.equals(key.ptr, key.len)) this.ask(Asked.Cached);
    else if (REASONING.equals(key.ptr, key.len)) this.ask(Asked.Reasoning);
  }

  /** A member of the text, or of the `response` in it. */
  private outer(key: ByteBuffer, level: i32): void {
    if (USAGE.equals(key.ptr, key.len)) {
      this.usageLevel = level + 1;
      this.scanner.enter();
    } else if (level == 1 && (RESPONSE.equals(key.ptr, key.len) || CHOICES.equals(key.ptr, key.len)))
      this.scanner.enter();
    else if (this.model.len == 0 && MODEL.equals(key.ptr, key.len)) this.ask(Asked.Model, LONGEST_NAME);
    else if (STATUS.equals(key.ptr, key.len)) this.ask(Asked.Finish, LONGEST_FINISH);
  }

  private ask(what: Asked, most: i32 = LONGEST_NUMBER): void {
    this.asked = what;
    this.scanner.keep(most);
  }

  private value(): void {
    const scanner = this.scanner;
    if (this.asked >= Asked.Model) {
      if (scanner.kind == ValueKind.String) this.name(scanner.text);
      return;
    }
    const tokens = scanner.kind == ValueKind.Number ? wholeNumber(scanner.text) : -1;
    if (tokens < 0) return;
    this.known = true;
    if (this.asked == Asked.Input) this.input = tokens;
    else if (this.asked == Asked.Output) this.output = tokens;
    else if (this.asked == Asked.Cached) this.cached = tokens;
    else this.reasoning = tokens;
  }

  private name(text: ByteBuffer): void {
    if (this.asked == Asked.Finish && isOne(IN_PROGRESS, text)) return;
    const to = this.asked == Asked.Model ? this.model : this.finish;
    to.clear();
    to.append(text.ptr, text.len);
  }
}

function isOne(names: Bytes[], key: ByteBuffer): bool {
  return names[0].equals(key.ptr, key.len) || names[1].equals(key.ptr, key.len);
}

/** @returns the number that the digits are, at most MOST_TOKENS; -1 for what is no whole number from 0 */
export function wholeNumber(text: ByteBuffer): i64 {
  let number: i64 = 0;
  for (let at = text.ptr; at < text.end; at++) {
    const digit = load<u8>(at);
    if (!isDigit(digit)) return -1;
    number = min(number * 10 + <i64>(digit - Char._0), MOST_TOKENS);
  }
  return text.len == 0 ? -1 : number;
}
