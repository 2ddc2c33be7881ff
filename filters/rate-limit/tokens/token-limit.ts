import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes, startsWithIgnoreCase } from "../../sdk/bytes/bytes";
import { CONTENT_LENGTH, CONTENT_TYPE, STATUS } from "../../sdk/bytes/header-names";
import { NameTable } from "../../sdk/bytes/name-table";
import { Slice } from "../../sdk/bytes/slice";
import { RESPONSE_BODY, RESPONSE_HEADERS } from "../../sdk/host/abi";
import { BodyAction, HeadersAction, TrailersAction } from "../../sdk/host/actions";
import { bufferData, readBuffer, replaceBody } from "../../sdk/host/body";
import { monotonicNanos } from "../../sdk/host/clock";
import { getHeader, headerValue, removeHeader } from "../../sdk/host/headers";
import { Config } from "../../sdk/pipeline/config";
import { HttpContext } from "../../sdk/pipeline/http-context";
import { LocalReply } from "../../sdk/pipeline/local-reply";
import { Stage } from "../../sdk/pipeline/stage";
import { Mode } from "../limit";
import { LimitTables } from "../limit-tables";
import { readMode } from "../limits-config";
import { NamedLimit } from "../named-limit";
import { forgetTime, now } from "../now";
import { SharedLimits } from "../shared-limits";
import { readTasks, readTenants } from "./read-config";
import { tellCall } from "./tell-call";
import { TokenBudgets } from "./token-budgets";
import { Answer, calls, TokenCall } from "./token-call";
import { TokenTask } from "./token-task";

const EVENT_STREAM = bytes("text/event-stream");
const OK_STATUS = bytes("200");

const name: Slice = new Slice();
const out: ByteBuffer = new ByteBuffer();

/**
 * Limits on the tokens of language models, per task and tenant. What a call may take at most is reserved
 * before the model server has all of it, and settled when its answer says what it took, breaks off or is
 * given up by its caller: so calls that come at once can't all pass a limit that only one of them fits.
 */
export class TokenLimit extends Stage {
  private readonly tasks: NameTable<TokenTask> = new NameTable<TokenTask>();

  /** null: the tenant has none. */
  private budgets: TokenBudgets | null = null;
  private budgetMode: Mode = Mode.Enforce;

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
    if (config.has("budgets")) this.budgets = new TokenBudgets(config);
    this.budgetMode = readMode(config);
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
    return this.passes(http, call) ? HeadersAction.CONTINUE : HeadersAction.STOP;
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
    return this.passes(http, call);
  }

  /** Reserves what the call may take. @returns false when it was refused */
  private passes(http: HttpContext, call: TokenCall): bool {
    forgetTime();
    call.decided = true;
    const task = call.task!;
    const tokens = task.mostOf(call.facts);
    const limit = reserve(task.limit, call.tenant, tokens);
    if (limit != null) return this.isDry(http, call, limit.mode, limit.reply);
    const budgets = this.budgets;
    let unpaid: LocalReply | null = null;
    if (budgets != null) unpaid = budgets.reserve(http, call, now());
    if (unpaid != null) {
      settle(task.limit, call.tenant, tokens, 0);
      return this.isDry(http, call, this.budgetMode, unpaid);
    }
    call.hasReserved = true;
    call.reserved = tokens;
    return true;
  }

  /** Refuses a call, but for a dry run. */
  private isDry(http: HttpContext, call: TokenCall, mode: Mode, refusal: LocalReply): bool {
    if (mode == Mode.DryRun) {
      http.refuseDry(refusal);
      return true;
    }
    this.forget(http, call);
    http.refuse(refusal);
    return false;
  }

  onResponseHeaders(http: HttpContext, endOfStream: bool): HeadersAction {
    const call = <TokenCall | null>http.state(this.slot);
    if (call == null || endOfStream || http.replied) return HeadersAction.CONTINUE;
    const statusLength = getHeader(RESPONSE_HEADERS, STATUS);
    if (!OK_STATUS.equals(headerValue(), statusLength)) return HeadersAction.CONTINUE;
    const typeLength = getHeader(RESPONSE_HEADERS, CONTENT_TYPE);
    const isEvents = startsWithIgnoreCase(headerValue(), typeLength, EVENT_STREAM);
    call.answer = isEvents ? Answer.Events : Answer.Json;
    if (isEvents && call.facts.asksUsage) removeHeader(RESPONSE_HEADERS, CONTENT_LENGTH);
    return HeadersAction.CONTINUE;
  }

  onResponseBody(http: HttpContext, _size: i32, endOfStream: bool): BodyAction {
    const call = <TokenCall | null>http.state(this.slot);
    if (call == null || call.answer == Answer.None) return BodyAction.CONTINUE;
    const len = readBuffer(RESPONSE_BODY, 0, i32.MAX_VALUE);
    // Reading the clock makes the host's last result void.
    const data = bufferData();
    if (len > 0) call.read(data, len);
    if (call.facts.asksUsage && call.answer == Answer.Events) hideUsage(call, data, len, endOfStream);
    if (endOfStream) this.settle(http, call, true);
    return BodyAction.CONTINUE;
  }

  /** Gives back what was reserved and not taken, or takes what was not reserved. */
  private settle(http: HttpContext, call: TokenCall, isWhole: bool): void {
    forgetTime();
    const task = call.task!;
    tellCall(http.modelCall, call, isWhole);
    if (call.hasReserved) {
      settle(task.limit, call.tenant, call.reserved, call.cost);
      const budgets = this.budgets;
      if (budgets != null) budgets.settle(http, call, now());
    }
    if (call.usage.known) task.estimate.learn(call.facts.bodyBytes, call.usage.input);
    this.forget(http, call);
  }

  private forget(http: HttpContext, call: TokenCall): void {
    http.setState(this.slot, null);
    call.release();
  }

  /** An answer that broke off is settled before its line is written. */
  onLog(http: HttpContext): void {
    const call = <TokenCall | null>http.state(this.slot);
    if (call != null) this.settle(http, call, false);
  }

  onDone(http: HttpContext): void {
    this.settle(http, <TokenCall>http.state(this.slot), false);
  }

  onTick(): void {
    const budgets = this.budgets;
    if (budgets != null) budgets.refresh();
  }

  onDelete(): void {
    const budgets = this.budgets;
    if (budgets != null) budgets.free();
  }
}

/** Takes tokens of both limits, or of none. @returns the limit that has too few */
function reserve(task: NamedLimit, tenant: NamedLimit | null, tokens: f64): NamedLimit | null {
  if (tenant != null && tenant.active && !tenant.take(tokens, 0, 0)) return missed(tenant, tokens);
  if (!task.active || task.take(tokens, 0, 0)) return null;
  if (tenant != null && tenant.active) tenant.settle(tokens);
  return missed(task, tokens);
}

function missed(limit: NamedLimit, tokens: f64): NamedLimit {
  limit.counters.miss(tokens);
  return limit;
}

function settle(task: NamedLimit, tenant: NamedLimit | null, reserved: f64, used: f64): void {
  settleOne(task, reserved, used);
  if (tenant != null) settleOne(tenant, reserved, used);
}

function settleOne(limit: NamedLimit, reserved: f64, used: f64): void {
  limit.settle(reserved - used);
  limit.counters.use(used);
}

function hideUsage(call: TokenCall, data: usize, len: i32, endOfStream: bool): void {
  out.clear();
  if (len > 0) call.hidden.add(data, len, out);
  if (endOfStream) call.hidden.flush(out);
  replaceBody(RESPONSE_BODY, out.ptr, out.len);
}
