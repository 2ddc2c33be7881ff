import { HttpContext } from "../../sdk/pipeline/http-context";
import { LocalReply } from "../../sdk/pipeline/local-reply";
import { Mode } from "../limit";
import { LastEvent, NamedLimit } from "../named-limit";
import { now } from "../now";
import { Priority } from "../priority";
import { TokenBudgets } from "./token-budgets";
import { TokenCall } from "./token-call";

/** What calls take of limits on tokens and of budgets: all that apply together, or none. */
export class Spending {
  /** Classes of requests, which leave tokens to those above. */
  priority: Priority = new Priority();
  /** null: the tenant has none. */
  budgets: TokenBudgets | null = null;
  budgetMode: Mode = Mode.Enforce;
  /** Of what refused last. */
  mode: Mode = Mode.Enforce;
  /** How the stream ends that may not go on. */
  lastEvent: LastEvent = LastEvent.None;

  /** Reserves what a call may take. @returns why not, and nothing is taken; null when it may pass */
  reserve(http: HttpContext, call: TokenCall): LocalReply | null {
    const budgets = this.budgets;
    let kept = this.priority.reserveOf(http);
    if (budgets != null) {
      const unpaid = budgets.reserve(http, call, now());
      this.mode = this.budgetMode;
      if (unpaid != null) return unpaid;
      kept = max(kept, budgets.lowered);
    }
    const tokens = call.task!.mostOf(call.facts);
    const limit = this.take(call.task!.limit, call.tenant, tokens, kept);
    if (limit != null) {
      if (budgets != null) budgets.giveBack(http, call, now());
      this.mode = limit.mode;
      return limit.reply;
    }
    call.ofTask = tokens;
    call.ofTenant = tokens;
    call.hasReserved = true;
    return null;
  }

  /** Takes tokens of both limits, or of none. @returns the limit that has too few */
  private take(task: NamedLimit, tenant: NamedLimit | null, tokens: f64, kept: f64): NamedLimit | null {
    const largest = this.priority.largestReserve;
    if (tenant != null && tenant.active && !tenant.take(tokens, kept, largest)) return missed(tenant, tokens);
    if (!task.active || task.take(tokens, kept, largest)) return null;
    if (tenant != null && tenant.active) tenant.settle(tokens);
    return missed(task, tokens);
  }

  /** May a stream of this call be ended? */
  isHard(call: TokenCall): bool {
    const budgets = this.budgets;
    if (budgets != null && this.budgetMode == Mode.Enforce && budgets.anyHard) return true;
    return isHard(call.task!.limit) || (call.tenant != null && isHard(call.tenant!));
  }

  /**
   * Of limits and budgets that are hard, a stream takes more as soon as it is beyond what it reserved.
   * @returns why it may not go on, see `lastEvent`; null when it may
   */
  more(http: HttpContext, call: TokenCall): LocalReply | null {
    if (!call.hasReserved) return null;
    const cost = call.cost;
    const task = call.task!.limit;
    if (isHard(task) && cost > call.ofTask) {
      if (!task.take(cost - call.ofTask, 0, 0)) return this.end(task);
      call.ofTask = cost;
    }
    const tenant = call.tenant;
    if (tenant != null && isHard(tenant) && cost > call.ofTenant) {
      if (!tenant.take(cost - call.ofTenant, 0, 0)) return this.end(tenant);
      call.ofTenant = cost;
    }
    const budgets = this.budgets;
    if (budgets == null || this.budgetMode != Mode.Enforce || !budgets.anyHard) return null;
    const refusal = budgets.more(http, call, now());
    if (refusal != null) this.lastEvent = budgets.lastEvent;
    return refusal;
  }

  private end(limit: NamedLimit): LocalReply {
    this.lastEvent = limit.lastEvent;
    return limit.reply;
  }

  /** Gives back what was reserved and not taken, or takes what was not reserved. */
  settle(http: HttpContext, call: TokenCall): void {
    const task = call.task!;
    if (call.hasReserved) {
      const cost = call.cost;
      settle(task.limit, call.ofTask, cost);
      if (call.tenant != null) settle(call.tenant!, call.ofTenant, cost);
      const budgets = this.budgets;
      if (budgets != null) budgets.settle(http, call, now());
    }
    if (call.usage.known) task.estimate.learn(call.facts.bodyBytes, call.usage.input);
  }
}

function isHard(limit: NamedLimit): bool {
  return limit.lastEvent != LastEvent.None && limit.active && limit.mode == Mode.Enforce;
}

function missed(limit: NamedLimit, tokens: f64): NamedLimit {
  limit.counters.miss(tokens);
  return limit;
}

function settle(limit: NamedLimit, reserved: f64, used: f64): void {
  limit.settle(reserved - used);
  limit.counters.use(used);
}
