import { ByteBuffer } from "../bytes/byte-buffer";

const CURRENCY_LETTERS: i32 = 3;

/** What a call to a language model came to, for its log line. Reused for later streams. */
export class ModelCall {
  /** A model answered: all else is known only then. */
  answered: bool = false;
  input: u64 = 0;
  /** Part of `input`. */
  cached: u64 = 0;
  output: u64 = 0;
  /** Part of `output`. */
  reasoning: u64 = 0;
  /** The model did not say how many tokens these are. */
  estimated: bool = false;
  /** The answer came as a stream, of which something was delivered. */
  streamed: bool = false;
  /** Nanoseconds from the end of the request to the first event of a stream. */
  firstToken: u64 = 0;
  /** Nanoseconds between two tokens of a stream on average; 0 for a stream of one token or none. */
  perToken: u64 = 0;
  /** The answer broke off. */
  aborted: bool = false;
  /** Micro-units of the currency; below 0: the model has no price. */
  cost: i64 = -1;
  /** Three letters, where there is a cost. */
  readonly currency: ByteBuffer = new ByteBuffer();
  /** How the model calls itself, and why it ended; empty when it did not say. */
  readonly servedModel: ByteBuffer = new ByteBuffer();
  readonly finish: ByteBuffer = new ByteBuffer();
  /**
   * The budget of which the most is spent, of those that a warning was given of, and the percentage of it.
   */
  readonly budget: ByteBuffer = new ByteBuffer();
  warned: u32 = 0;

  reset(): void {
    this.answered = false;
    this.streamed = false;
    this.firstToken = 0;
    this.perToken = 0;
    this.aborted = false;
    this.cost = -1;
    this.currency.clear();
    this.servedModel.clear();
    this.finish.clear();
    this.budget.clear();
    this.warned = 0;
  }

  /** @param currency three letters */
  price(cost: i64, currency: usize): void {
    this.cost = cost;
    this.currency.clear();
    this.currency.append(currency, CURRENCY_LETTERS);
  }

  /** Notes a budget that a warning was given of, if it is the one of which the most is spent. */
  warn(percent: u32, name: ByteBuffer): void {
    if (percent <= this.warned) return;
    this.warned = percent;
    set(this.budget, name);
  }

  /** Notes how the model calls itself, and why it ended. */
  tell(servedModel: ByteBuffer, finish: ByteBuffer): void {
    set(this.servedModel, servedModel);
    set(this.finish, finish);
  }
}

function set(to: ByteBuffer, from: ByteBuffer): void {
  to.clear();
  to.append(from.ptr, from.len);
}
