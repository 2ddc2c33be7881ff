import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { Slice } from "../../sdk/bytes/slice";
import { RESPONSE_HEADERS } from "../../sdk/host/abi";
import { setHeader } from "../../sdk/host/headers";
import { Config } from "../../sdk/pipeline/config";
import { HttpContext } from "../../sdk/pipeline/http-context";
import { LocalReply } from "../../sdk/pipeline/local-reply";
import { BudgetBook, BudgetRefusal } from "../budget/budget-book";
import { PriceTable } from "../budget/price-table";
import { LastEvent } from "../named-limit";
import { OpenAiQuota } from "../openai-quota";
import { Priority } from "../priority";
import { BUDGET_SPENT, BUDGET_WAITS } from "../replies";
import { TokenBudget } from "./token-budget";
import { MOST_BUDGETS, TokenCall } from "./token-call";

const NANOS_PER_MILLISECOND: u64 = 1_000_000;
/** The controller answers once a second. */
const NEXT_REPLY_MS: u64 = 1000;

const NANOS_PER_MILLISECOND_F: f64 = 1e6;
const BUDGET_WARNING = bytes("x-budget-warning");
const WARNED = bytes('";warned=');

const warnings: ByteBuffer = new ByteBuffer();
const credential: Slice = new Slice();
const account: ByteBuffer = new ByteBuffer();

/** The tenant's budgets, as far as calls of language models spend from them. */
export class TokenBudgets {
  private readonly budgets: TokenBudget[] = [];
  private readonly book: BudgetBook;
  private readonly prices: PriceTable = new PriceTable();

  /** Reads `gateway` and `budgets`. @param priority the classes that spent budgets may lower calls to */
  constructor(
    config: Config,
    private readonly priority: Priority,
  ) {
    this.book = new BudgetBook(config.text("gateway"));
    const budgets = config.objects("budgets");
    if (budgets.length > MOST_BUDGETS) config.fault("budgets", "has room for 64");
    for (let i = 0; i < budgets.length; i++) this.budgets.push(TokenBudget.read(budgets[i]));
  }

  /** Once a second. */
  refresh(): void {
    this.prices.refresh();
  }

  free(): void {
    this.book.free();
    this.prices.free();
  }

  /** The highest of what spent budgets say that the call leaves to classes above; see `reserve`. */
  lowered: f64 = 0;

  /** Is it worth to `reserve` again what waits for a lease? */
  mayReserve(http: HttpContext, call: TokenCall, now: u64): bool {
    http.findCredential(credential);
    for (let i = 0; i < this.budgets.length; i++) {
      const budget = this.budgets[i];
      if (!budget.refuses || !budget.counts(http, credential)) continue;
      this.openAccount(i, http);
      if (
        this.book.left(now) < this.amountOfMost(budget, http, call) &&
        !this.isSpent(budget, http, call, now)
      )
        return false;
    }
    return true;
  }

  private isSpent(budget: TokenBudget, http: HttpContext, call: TokenCall, now: u64): bool {
    return this.book.why(this.amountOfMost(budget, http, call), now) == BudgetRefusal.SPENT;
  }

  private amountOfMost(budget: TokenBudget, http: HttpContext, call: TokenCall): u64 {
    return budget.isMoney ? this.costOfMost(http, call) : <u64>Math.ceil(call.task!.mostOf(call.facts));
  }

  /** Reserves what a call may take of all budgets that it counts in, or of none. @returns why not, or null */
  reserve(http: HttpContext, call: TokenCall, now: u64): LocalReply | null {
    http.findCredential(credential);
    this.lowered = 0;
    for (let i = 0; i < this.budgets.length; i++) {
      const budget = this.budgets[i];
      call.leases[i] = 0;
      if (!budget.counts(http, credential)) continue;
      const amount = this.amountOfMost(budget, http, call);
      this.openAccount(i, http);
      call.leases[i] = this.book.take(amount, now);
      call.amounts[i] = amount;
      if (call.leases[i] != 0) continue;
      if (!budget.refuses) {
        if (this.book.refusal == BudgetRefusal.SPENT)
          this.lowered = max(this.lowered, this.priority.reserveOfClass(budget.lowerTo));
        continue;
      }
      const refusal = this.refusal(now);
      this.giveBackFirst(i, http, call, now);
      return refusal;
    }
    return null;
  }

  /** A call that reserved goes no further. */
  giveBack(http: HttpContext, call: TokenCall, now: u64): void {
    http.findCredential(credential);
    this.giveBackFirst(this.budgets.length, http, call, now);
  }

  /** Tells a response what is left of budgets of tokens, and of which budgets the controller has warned. */
  tell(http: HttpContext, quota: OpenAiQuota, now: u64): void {
    http.findCredential(credential);
    warnings.clear();
    for (let i = 0; i < this.budgets.length; i++) {
      const budget = this.budgets[i];
      if (!budget.counts(http, credential)) continue;
      this.openAccount(i, http);
      const limit = this.book.limit;
      const record = this.book.record;
      if (!budget.isMoney && record.endsAt > now)
        quota.offer(
          <f64>limit,
          <f64>this.book.remaining,
          <f64>(record.endsAt - now) / NANOS_PER_MILLISECOND_F,
        );
      if (record.warned > 0) appendWarning(account, record.warned);
    }
    if (warnings.len > 0) setHeader(RESPONSE_HEADERS, BUDGET_WARNING, warnings.ptr, warnings.len);
  }

  private refusal(now: u64): LocalReply {
    if (this.book.refusal == BudgetRefusal.SPENT) {
      BUDGET_SPENT.describeWait(max<u64>(this.book.periodLeft(now) / NANOS_PER_MILLISECOND, 1));
      return BUDGET_SPENT;
    }
    BUDGET_WAITS.describeWait(NEXT_REPLY_MS);
    return BUDGET_WAITS;
  }

  private giveBackFirst(count: i32, http: HttpContext, call: TokenCall, now: u64): void {
    for (let i = 0; i < count; i++) {
      if (call.leases[i] == 0) continue;
      this.openAccount(i, http);
      this.book.giveBack(call.leases[i], call.amounts[i], now);
    }
  }

  private openAccount(index: i32, http: HttpContext): void {
    this.budgets[index].nameAccount(account, http, credential);
    this.book.open(account.ptr, account.len);
  }

  /** Does one of them end streams? */
  get anyHard(): bool {
    for (let i = 0; i < this.budgets.length; i++)
      if (this.budgets[i].lastEvent != LastEvent.None) return true;
    return false;
  }

  /** How the stream ends that `more` refused. */
  lastEvent: LastEvent = LastEvent.None;

  /** Takes of hard budgets what a stream has taken beyond what it reserved. @returns why not, or null */
  more(http: HttpContext, call: TokenCall, now: u64): LocalReply | null {
    http.findCredential(credential);
    for (let i = 0; i < this.budgets.length; i++) {
      const budget = this.budgets[i];
      if (budget.lastEvent == LastEvent.None || !budget.counts(http, credential)) continue;
      const amount = this.amountOf(budget, http, call);
      if (amount <= call.amounts[i] || call.leases[i] == 0) continue;
      const missing = amount - call.amounts[i];
      this.openAccount(i, http);
      const lease = this.book.take(missing, now);
      if (lease == call.leases[i]) call.amounts[i] = amount;
      else if (lease != 0) this.book.giveBack(lease, missing, now);
      else {
        this.lastEvent = budget.lastEvent;
        return this.refusal(now);
      }
    }
    return null;
  }

  /** Charges what a call took, and notes its price and warnings for the log. */
  settle(http: HttpContext, call: TokenCall, now: u64): void {
    http.findCredential(credential);
    const cost = call.hasAnswer ? this.costOf(http, call) : 0;
    for (let i = 0; i < this.budgets.length; i++) {
      const budget = this.budgets[i];
      if (!budget.counts(http, credential)) continue;
      this.openAccount(i, http);
      const amount = this.amountOf(budget, http, call);
      if (call.leases[i] == 0 && amount == 0) continue;
      this.book.spend(call.leases[i], call.amounts[i], amount, now);
      http.modelCall.warn(this.book.record.warned, account);
    }
    if (call.hasAnswer && cost >= 0) http.modelCall.price(cost, this.prices.currency);
  }

  private amountOf(budget: TokenBudget, http: HttpContext, call: TokenCall): u64 {
    if (!budget.isMoney) return <u64>Math.ceil(max(call.cost, 0));
    return call.hasAnswer ? <u64>max<i64>(this.costOf(http, call), 0) : 0;
  }

  private costOfMost(http: HttpContext, call: TokenCall): u64 {
    const task = call.task!;
    const facts = call.facts;
    return <u64>max<i64>(this.price(http, call.prompt, 0, <u64>task.outputOf(facts), 0), 0);
  }

  private costOf(http: HttpContext, call: TokenCall): i64 {
    const usage = call.usage;
    if (!call.hasUsage) return this.price(http, call.prompt, 0, call.delivered, 0);
    const cached = min(usage.cached, usage.input);
    const reasoning = min(usage.reasoning, usage.output);
    return this.price(http, usage.input - cached, cached, usage.output - reasoning, reasoning);
  }

  /** @returns -1 when the table has no price of the task: it costs nothing */
  private price(http: HttpContext, input: u64, cached: u64, output: u64, reasoning: u64): i64 {
    const task = http.taskid;
    return this.prices.cost(task.ptr, task.len, input, cached, output, reasoning);
  }
}

/** A list of structured fields (RFC 9651): the account, and the percentage that was warned of. */
function appendWarning(name: ByteBuffer, percent: u32): void {
  if (warnings.len > 0) {
    warnings.appendByte(Char.COMMA);
    warnings.appendByte(Char.SPACE);
  }
  warnings.appendByte(Char.QUOTE);
  warnings.append(name.ptr, name.len);
  warnings.appendBytes(WARNED);
  warnings.appendDecimal(percent);
}
