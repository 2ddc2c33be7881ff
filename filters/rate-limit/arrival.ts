import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { Admission } from "./admission";
import { Concurrency } from "./concurrency";
import { Mode } from "./limit";
import { NamedLimit } from "./named-limit";
import { forgetTime } from "./now";
import { CREDENTIAL_BUSY, TASK_BUSY } from "./replies";
import { RequestLimits } from "./request-limits";
import { Share } from "./share";
import { Shares } from "./shares";

/**
 * Requests in flight: what a request takes of them when its headers come, and when it is whole. With headers
 * it takes one of its credential's share. The task's permit waits until the body is whole, for a permit is
 * held and not spent: a caller that never ends its body would hold it for as long as it likes.
 */
export class Arrival {
  /** Of the present request, after `enter`: what is taken already. */
  share: Share | null = null;
  permit: bool = false;

  /** Begins with another request, which has taken nothing. */
  start(): void {
    this.share = null;
    this.permit = false;
  }

  /** Headers have come. @returns the refusal, null when the request may go on */
  enter(
    task: NamedLimit | null,
    shares: Shares,
    limits: RequestLimits,
    http: HttpContext,
  ): LocalReply | null {
    if (task != null && task.mode == Mode.Off) return null;
    const mode = task == null ? Mode.Enforce : task.mode;
    const share = shares.of(http);
    const concurrency = concurrencyOf(task);
    if (share != null) {
      if (shares.enter(share, concurrency)) this.share = share;
      else {
        const refusal = limits.mayRefuse(mode, CREDENTIAL_BUSY, http);
        if (refusal != null) return refusal;
      }
    }
    if (concurrency == null) return null;
    if (http.endOfRequest) this.permit = concurrency.enter();
    const refused = http.endOfRequest ? !this.permit : concurrency.isFull();
    if (!refused) return null;
    const refusal = limits.mayRefuse(mode, TASK_BUSY, http);
    if (refusal != null) this.leave(shares);
    return refusal;
  }

  /** The request was refused after all: gives back what `enter` took. */
  leave(shares: Shares): void {
    const share = this.share;
    if (share != null) shares.leave(share);
    this.share = null;
  }
}

/**
 * The request is whole: takes its task's permit.
 * @returns false when there was none, and the request was refused
 */
export function beginWhole(http: HttpContext, slot: i32, dryRun: bool): bool {
  const admission = arriving(http, slot);
  if (admission == null) return true;
  forgetTime();
  const task = admission.task;
  const concurrency = concurrencyOf(task);
  const permit = concurrency != null && concurrency.enter();
  if (concurrency != null && !permit) {
    if (!dryRun && task!.mode != Mode.DryRun) {
      task!.counters.refused++;
      http.refuse(TASK_BUSY);
      return false;
    }
    http.refuseDry(TASK_BUSY);
  }
  admission.begin(permit);
  return true;
}

/** The model answers before the request is whole, as streams do: it counts, and can't be refused any more. */
export function beginEarly(http: HttpContext, slot: i32): void {
  const admission = arriving(http, slot);
  if (admission == null || http.replied) return;
  forgetTime();
  const concurrency = concurrencyOf(admission.task);
  admission.begin(concurrency != null && concurrency.enter());
}

/** What is kept of a stream that was let in and is not known to be whole; null for any other. */
function arriving(http: HttpContext, slot: i32): Admission | null {
  const state = http.state(slot);
  if (state == null) return null;
  const admission = changetype<Admission>(state);
  return admission.begun || admission.awaited != null ? null : admission;
}

function concurrencyOf(task: NamedLimit | null): Concurrency | null {
  if (task == null || task.mode == Mode.Off) return null;
  const concurrency = task.concurrency;
  return concurrency != null && concurrency.active ? concurrency : null;
}
