import { CallFacts } from "../../model-protocol/call-facts";
import { EventGate } from "../../model-protocol/event-gate";
import { EventLines } from "../../model-protocol/event-lines";
import { TokenUsage } from "../../model-protocol/token-usage";
import { monotonicNanos } from "../../sdk/host/clock";
import { StreamPool } from "../../sdk/pipeline/stream-pool";
import { StreamState } from "../../sdk/pipeline/stream-state";
import { NamedLimit } from "../named-limit";
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
  /** Tokens that were taken of the limits of the task and the tenant. */
  ofTask: f64 = 0;
  ofTenant: f64 = 0;
  /** It has been let through or refused, */
  decided: bool = false;
  /** and let through for what it reserved: not in a dry run. */
  hasReserved: bool = false;
  /** It waits for a lease until then (nanoseconds); 0: it does not. */
  deadline: u64 = 0;
  /** By budget: the lease of which was reserved, 0 for none, and how much. */
  readonly leases: StaticArray<u64> = new StaticArray<u64>(MOST_BUDGETS);
  readonly amounts: StaticArray<u64> = new StaticArray<u64>(MOST_BUDGETS);
  answer: Answer = Answer.None;
  /** Bytes of an answer in JSON. */
  answerBytes: i64 = 0;
  /** A hard limit may end the stream. */
  endsEarly: bool = false;
  /** Pieces of the answer that were delivered, of a stream. */
  pieces: i64 = 0;
  readonly usage: TokenUsage = new TokenUsage();
  readonly lines: EventLines = new EventLines();
  readonly gate: EventGate = new EventGate();
  /** Of the monotonic clock, in nanoseconds: when the request was whole as far as is known, */
  startedAt: u64 = 0;
  /** and when the first and the last event of a stream came; 0: none. */
  firstAt: u64 = 0;
  lastAt: u64 = 0;

  begin(task: TokenTask, tenant: NamedLimit | null): void {
    this.task = task;
    this.tenant = tenant;
    this.facts.reset();
    this.ofTask = 0;
    this.ofTenant = 0;
    this.decided = false;
    this.hasReserved = false;
    this.deadline = 0;
    this.answer = Answer.None;
    this.answerBytes = 0;
    this.endsEarly = false;
    this.pieces = 0;
    this.usage.reset();
    this.lines.reset();
    this.gate.reset();
    this.firstAt = 0;
    this.lastAt = 0;
  }

  read(ptr: usize, len: i32): void {
    if (this.answer == Answer.Events) this.readEvents(ptr, len);
    else if (this.answer == Answer.Json) this.usage.add(ptr, len);
    this.answerBytes += len;
  }

  private readEvents(ptr: usize, len: i32): void {
    const before = this.lines.events;
    this.lines.add(ptr, len, this.usage);
    if (this.lines.events == before) return;
    this.lastAt = monotonicNanos();
    if (before == 0) this.firstAt = this.lastAt;
  }

  /** Is what it took known by what the model server says? Not of a stream that the gateway ended. */
  get hasUsage(): bool {
    return this.usage.known && !this.gate.closed;
  }

  /** Did the model answer, and with no error? */
  get hasAnswer(): bool {
    return this.answer != Answer.None;
  }

  /** What the call took, as far as it went. */
  get cost(): f64 {
    const task = this.task!;
    if (this.answer == Answer.None) return 0;
    if (this.hasUsage) return task.weights.costOf(this.usage);
    return task.inputOf(this.facts) + <f64>this.delivered * task.weights.output;
  }

  /** Tokens of the answer that were delivered, where no usage tells: by pieces of a stream, else by bytes. */
  get delivered(): i64 {
    if (this.answer == Answer.Events) return this.gate.gaveUp ? <i64>this.lines.events : this.pieces;
    const task = this.task!;
    return <i64>min(task.estimate.tokensOf(this.answerBytes), task.outputOf(this.facts));
  }

  /** Tokens of the prompt, where no usage tells. */
  get prompt(): i64 {
    return <i64>this.task!.estimate.tokensOf(this.facts.bodyBytes);
  }

  release(): void {
    this.task = null;
    this.tenant = null;
    calls.release(this);
  }
}

export const calls: StreamPool<TokenCall> = new StreamPool<TokenCall>();
