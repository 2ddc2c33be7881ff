import { bytes } from "../sdk/bytes/bytes";
import { getProperty, propertyValue, setFilterState } from "../sdk/host/properties";

/** What model-name.wasm tells gateway.wasm of a call to OpenAI's API beside its model. */
const CALL_STATE = bytes("modelgate.call");

/** The state: i64 maxTokens, i64 bodyBytes, i64 answers, u8 of the flags below. */
const MAX_TOKENS: usize = 0;
const BODY_BYTES: usize = 8;
const ANSWERS: usize = 16;
const FLAGS: usize = 24;
const LENGTH: i32 = 25;
const WHOLE: u8 = 1;
const STREAMS: u8 = 2;
const ASKS_USAGE: u8 = 4;

/** Beyond this a number in a body is this number: sums of a few still fit. */
export const MOST_TOKENS: i64 = 1_000_000_000_000;

const record: usize = memory.data(32);

/** What a call asks for, as far as its cost goes. */
export class CallFacts {
  /** Most tokens that each answer may have; 0: not said. */
  maxTokens: i64 = 0;
  /** Bytes of the body that were read. */
  bodyBytes: i64 = 0;
  /** Answers that are wanted at once (`n`). */
  answers: i64 = 1;
  /** The body was read to its end. */
  whole: bool = false;
  /** The answer comes as a stream. */
  streams: bool = false;
  /** The gateway asked for the usage of the stream, and the caller did not. */
  asksUsage: bool = false;

  reset(): void {
    this.maxTokens = 0;
    this.bodyBytes = 0;
    this.answers = 1;
    this.whole = false;
    this.streams = false;
    this.asksUsage = false;
  }

  /** Tells the filters behind. */
  tell(): void {
    store<i64>(record + MAX_TOKENS, this.maxTokens);
    store<i64>(record + BODY_BYTES, this.bodyBytes);
    store<i64>(record + ANSWERS, this.answers);
    store<u8>(
      record + FLAGS,
      (this.whole ? WHOLE : 0) | (this.streams ? STREAMS : 0) | (this.asksUsage ? ASKS_USAGE : 0),
    );
    setFilterState(CALL_STATE, record, LENGTH);
  }

  /** Takes what the filter in front told. @returns false when it told nothing */
  take(): bool {
    if (getProperty(CALL_STATE) != LENGTH) return false;
    const at = propertyValue();
    this.maxTokens = load<i64>(at + MAX_TOKENS);
    this.bodyBytes = load<i64>(at + BODY_BYTES);
    this.answers = load<i64>(at + ANSWERS);
    const flags = load<u8>(at + FLAGS);
    this.whole = (flags & WHOLE) != 0;
    this.streams = (flags & STREAMS) != 0;
    this.asksUsage = (flags & ASKS_USAGE) != 0;
    return true;
  }
}
