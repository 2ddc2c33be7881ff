import { OpenAiOperation, openAiOperation } from "../../model-protocol/openai-path";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes, startsWithIgnoreCase } from "../../sdk/bytes/bytes";
import { CONTENT_LENGTH, CONTENT_TYPE, STATUS } from "../../sdk/bytes/header-names";
import { NameTable } from "../../sdk/bytes/name-table";
import { Slice } from "../../sdk/bytes/slice";
import { RESPONSE_BODY, RESPONSE_HEADERS } from "../../sdk/host/abi";
import { BodyAction, HeadersAction, TrailersAction } from "../../sdk/host/actions";
import { bufferData, readBuffer, replaceBody } from "../../sdk/host/body";
import { monotonicNanos } from "../../sdk/host/clock";
import { closeStream } from "../../sdk/host/close-stream";
import { getHeader, headerValue, removeHeader } from "../../sdk/host/headers";
import { Config } from "../../sdk/pipeline/config";
import { pluginOfStream } from "../../sdk/pipeline/contexts";
import { HttpContext } from "../../sdk/pipeline/http-context";
import { Stage } from "../../sdk/pipeline/stage";
import { Mode } from "../limit";
import { LimitTables } from "../limit-tables";
import { readMode } from "../limits-config";
import { NamedLimit } from "../named-limit";
import { forgetTime, now } from "../now";
import { OpenAiQuota } from "../openai-quota";
import { BUDGET_WAITS } from "../replies";
import { SharedLimits } from "../shared-limits";
import { LeaseLine } from "./lease-line";
import { readTasks, readTenants } from "./read-config";
import { Spending } from "./spending";
import { StreamKeeper } from "./stream-keeper";
import { StreamList } from "./stream-list";
import { tellCall } from "./tell-call";
import { tellSpan } from "./tell-span";
import { TokenBudgets } from "./token-budgets";
import { Answer, calls, TokenCall } from "./token-call";
import { TokenTask } from "./token-task";

const EVENT_STREAM = bytes("text/event-stream");
/** Beyond them a model that goes on is heard to its end. */
const MOST_ENDED: i32 = 256;
const OK_STATUS = bytes("200");

const tokenQuota: OpenAiQuota = new OpenAiQuota("tokens");
const name: Slice = new Slice();
const out: ByteBuffer = new ByteBuffer();

/**
 * Limits on the tokens of language models, per task and tenant. What a call may take at most is reserved
 * before the model server has all of it, and settled when its answer says what it took, breaks off or is
 * given up by its caller: so calls that come at once can't all pass a limit that only one of them fits.
 */
export class TokenLimit extends Stage {
  private readonly tasks: NameTable<TokenTask> = new NameTable<TokenTask>();

  private readonly spending: Spending = new Spending();
  private readonly keeper: StreamKeeper = new StreamKeeper(this.spending);

  /** Streams that were ended: those whose model goes on are closed with the next tick. */
  private readonly ended: StreamList = new StreamList(MOST_ENDED);
  /** Spans tell of calls, too. */
  private traced: bool = false;
  private readonly line: LeaseLine = new LeaseLine();
  private readonly tables: LimitTables;

  /** @param shared of the stage rate-limit, which runs before this one */
  constructor(private readonly shared: SharedLimits) {
    super();
    this.tables = shared.tables;
  }

  get key(): string {
    return "tokenLimit";
  }

  get isRequired(): bool {
    return false;
  }

  configure(config: Config): void {
    readTasks(config.objects("tasks"), this.tasks, this.tables.taskTokens);
    readTenants(config.objects("tenants"), this.tables.tenantTokens);
    const priority = this.shared.priority;
    this.spending.priority = priority;
    if (config.has("budgets")) this.spending.budgets = new TokenBudgets(config, priority);
    this.spending.budgetMode = readMode(config);
    this.traced = config.flag("traced", false);
    forgetTime();
    this.shared.grew();
  }

  onRequestHeaders(http: HttpContext, endOfStream: bool): HeadersAction {
    if (!http.openAi || this.tasks.count == 0 || endOfStream) return HeadersAction.CONTINUE;
    const task = this.tasks.find(http.taskid.ptr, http.taskid.len);
    if (task == null) return HeadersAction.CONTINUE;
    const call = calls.take();
    call.begin(task, this.tenantOf(http));
    http.setState(this.slot, call);
    call.startedAt = monotonicNanos();
    if (!call.facts.take() || !call.facts.whole) return HeadersAction.CONTINUE;
    return this.passes(http, call, true) ? HeadersAction.CONTINUE : HeadersAction.STOP;
  }

  /** Says what is left of the limits on tokens and of budgets, as far as calls under way have reserved it. */
  private tellQuotas(http: HttpContext): void {
    forgetTime();
    tokenQuota.start();
    tokenQuota.add(this.tables.taskTokens.find(http.taskid.ptr, http.taskid.len));
    tokenQuota.add(this.tenantOf(http));
    const budgets = this.spending.budgets;
    if (budgets != null && this.tasks.has(http.taskid.ptr, http.taskid.len))
      budgets.tell(http, tokenQuota, now());
    tokenQuota.tell();
  }

  private tenantOf(http: HttpContext): NamedLimit | null {
    const tenants = this.tables.tenantTokens;
    if (tenants.count == 0) return null;
    http.findTenant(name);
    return tenants.find(name.ptr, name.len);
  }

  onRequestBody(http: HttpContext, _size: i32, endOfStream: bool): BodyAction {
    return !endOfStream || this.mayEnd(http) ? BodyAction.CONTINUE : BodyAction.STOP_NO_BUFFER;
  }

  onRequestTrailers(http: HttpContext): TrailersAction {
    return this.mayEnd(http) ? TrailersAction.CONTINUE : TrailersAction.STOP;
  }

  /** The request is whole: may its last bytes go on? */
  private mayEnd(http: HttpContext): bool {
    const call = <TokenCall | null>http.state(this.slot);
    if (call == null) return true;
    call.startedAt = monotonicNanos();
    if (call.decided) return true;
    call.facts.take();
    return this.passes(http, call, false);
  }

  /**
   * Reserves what the call may take.
   * @param mayWait its headers are held still: it may wait for a part of a budget
   * @returns false when it was refused, or waits
   */
  private passes(http: HttpContext, call: TokenCall, mayWait: bool): bool {
    forgetTime();
    call.decided = true;
    // An embedding has no tokens of an answer.
    if (openAiOperation(http.path) == OpenAiOperation.Embeddings) call.facts.answers = 0;
    const refusal = this.spending.reserve(http, call);
    if (refusal == null) return true;
    if (this.spending.mode == Mode.DryRun) {
      http.refuseDry(refusal);
      return true;
    }
    if (mayWait && refusal == BUDGET_WAITS) call.deadline = this.line.join(http);
    if (call.deadline != 0) return false;
    this.settle(http, call, false);
    http.refuse(refusal);
    return false;
  }

  onShortTick(): void {
    const budgets = this.spending.budgets;
    if (budgets == null) return;
    forgetTime();
    for (let i: i32 = 0; i < this.line.length; ) {
      const http = this.line.at(i);
      const call = changetype<TokenCall>(http.state(this.slot));
      http.enter();
      const isLate = now() >= call.deadline;
      if (!isLate && !budgets.mayReserve(http, call, now())) {
        i++;
        continue;
      }
      this.line.leave(http);
      call.deadline = 0;
      if (this.passes(http, call, !isLate)) pluginOfStream(http).resume(http, this);
    }
    this.line.calmDown();
  }

  onResponseHeaders(http: HttpContext, endOfStream: bool): HeadersAction {
    const isTold = http.openAi && http.principal != null && (this.shared.tellsQuotas || http.replied);
    if (isTold && this.tasks.count > 0) this.tellQuotas(http);
    const call = <TokenCall | null>http.state(this.slot);
    if (call == null || endOfStream || http.replied) return HeadersAction.CONTINUE;
    const statusLength = getHeader(RESPONSE_HEADERS, STATUS);
    if (!OK_STATUS.equals(headerValue(), statusLength)) return HeadersAction.CONTINUE;
    const typeLength = getHeader(RESPONSE_HEADERS, CONTENT_TYPE);
    const isEvents = startsWithIgnoreCase(headerValue(), typeLength, EVENT_STREAM);
    call.answer = isEvents ? Answer.Events : Answer.Json;
    call.endsEarly = isEvents && this.spending.isHard(call);
    if (isEvents && (call.facts.asksUsage || call.endsEarly)) removeHeader(RESPONSE_HEADERS, CONTENT_LENGTH);
    return HeadersAction.CONTINUE;
  }

  onResponseBody(http: HttpContext, _size: i32, endOfStream: bool): BodyAction {
    const call = <TokenCall | null>http.state(this.slot);
    if (call == null || call.answer == Answer.None) return BodyAction.CONTINUE;
    const len = readBuffer(RESPONSE_BODY, 0, i32.MAX_VALUE);
    // Reading the clock makes the host's last result void.
    const data = bufferData();
    if (len > 0) call.read(data, len);
    if (call.answer == Answer.Events) this.keepEvents(http, call, data, len, endOfStream);
    if (endOfStream) this.settle(http, call, true);
    return BodyAction.CONTINUE;
  }

  private keepEvents(http: HttpContext, call: TokenCall, data: usize, len: i32, endOfStream: bool): void {
    forgetTime();
    out.clear();
    this.keeper.turnTo(http, call);
    const wasClosed = call.gate.closed;
    if (len > 0) call.gate.add(data, len, out, this.keeper);
    if (call.gate.closed && !wasClosed) this.ended.add(http);
    if (endOfStream) call.gate.flush(out);
    if (call.facts.asksUsage || call.endsEarly) replaceBody(RESPONSE_BODY, out.ptr, out.len);
  }

  /** @param isWhole the answer came to its end */
  private settle(http: HttpContext, call: TokenCall, isWhole: bool): void {
    forgetTime();
    tellCall(http.modelCall, call, isWhole);
    if (this.traced) tellSpan(http);
    this.spending.settle(http, call);
    if (call.gate.closed) this.ended.remove(http);
    http.setState(this.slot, null);
    call.release();
  }

  /** An answer that broke off is settled before its line is written. */
  onLog(http: HttpContext): void {
    this.onDone(http);
  }

  onDone(http: HttpContext): void {
    const call = <TokenCall | null>http.state(this.slot);
    if (call == null) return;
    if (call.deadline != 0) this.line.leave(http);
    this.settle(http, call, false);
  }

  onTick(): void {
    for (let left = this.ended.length; left > 0; left--) {
      const http = this.ended.at(0);
      this.ended.remove(http);
      http.enter();
      closeStream();
    }
    const budgets = this.spending.budgets;
    if (budgets != null) budgets.refresh();
  }

  onDelete(): void {
    const budgets = this.spending.budgets;
    if (budgets != null) budgets.free();
  }
}
