import { CallFacts } from "../../model-protocol/call-facts";
import { EventLines } from "../../model-protocol/event-lines";
import { TokenUsage } from "../../model-protocol/token-usage";
import { monotonicNanos } from "../../sdk/host/clock";
import { StreamPool } from "../../sdk/pipeline/stream-pool";
import { StreamState } from "../../sdk/pipeline/stream-state";
import { NamedLimit } from "../named-limit";
import { HiddenUsage } from "./hidden-usage";
import { TokenTask } from "./token-task";

/** Of a tenant: the schema has room for as many. */
export const MOST_BUDGETS: i32 = 64;

export enum Answer {
  /** None has begun, or it is an error: it took nothing. */
  None,
  Json,
  Events,
}

/** What is kept of a call to a language model until its tokens are settled. Pooled. */
export class TokenCall extends StreamState {
  task: TokenTask | null = null;
  tenant: NamedLimit | null = null;
  readonly facts: CallFacts = new CallFacts();
  /** Tokens that were taken of the limits. */
  reserved: f64 = 0;
  hasReserved: bool = false;
  /** It was told whether the call may go on. */
  decided: bool = false;
  /** By budget: the lease of which was reserved, 0 for none, and how much. */
  readonly leases: StaticArray<u64> = new StaticArray<u64>(MOST_BUDGETS);
  readonly amounts: StaticArray<u64> = new StaticArray<u64>(MOST_BUDGETS);
  answer: Answer = Answer.None;
  readonly usage: TokenUsage = new TokenUsage();
  readonly lines: EventLines = new EventLines();
  readonly hidden: HiddenUsage = new HiddenUsage();
  /** Of the monotonic clock, in nanoseconds: when the request was whole as far as is known, */
  startedAt: u64 = 0;
  /** and when the first and the last event of a stream came; 0: none. */
  firstAt: u64 = 0;
  lastAt: u64 = 0;

  begin(task: TokenTask, tenant: NamedLimit | null): void {
    this.task = task;
    this.tenant = tenant;
    this.facts.reset();
    this.reserved = 0;
    this.hasReserved = false;
    this.decided = false;
    this.answer = Answer.None;
    this.usage.reset();
    this.lines.reset();
    this.hidden.reset();
    this.firstAt = 0;
    this.lastAt = 0;
  }

  read(ptr: usize, len: i32): void {
    if (this.answer == Answer.Events) this.readEvents(ptr, len);
    else if (this.answer == Answer.Json) this.usage.add(ptr, len);
  }

  private readEvents(ptr: usize, len: i32): void {
    const before = this.lines.events;
    this.lines.add(ptr, len, this.usage);
    if (this.lines.events == before) return;
    this.lastAt = monotonicNanos();
    if (before == 0) this.firstAt = this.lastAt;
  }

  /** Did the model answer, and with no error? */
  get hasAnswer(): bool {
    return this.answer != Answer.None;
  }

  /** What the call took, as far as it went. */
  get cost(): f64 {
    const task = this.task!;
    if (this.answer == Answer.None) return 0;
    if (this.usage.known) return task.weights.costOf(this.usage);
    return task.deliveredOf(this.facts, this.lines.events);
  }

  release(): void {
    this.task = null;
    this.tenant = null;
    calls.release(this);
  }
}

export const calls: StreamPool<TokenCall> = new StreamPool<TokenCall>();
