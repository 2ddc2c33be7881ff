import { enlarged } from "./cells.ts";
import type { RateShare, TaskShare, TokenShare } from "./protocol.ts";
import { SharedLimit } from "./shared-limit.ts";

/** What a task or tenant may use in all, over the pods of its gateway. */
export interface LimitSpec {
  /** Requests or tokens a second, above 0. */
  perSecond: number;
  /** Those at once; those of one second when absent. */
  burst?: number;
  /** Requests in flight; no cap when absent. */
  maxInFlight?: number;
}

/** As in the reply. */
export const LIMIT_KINDS = ["tasks", "tenants", "taskTokens", "tenantTokens"] as const;
export type LimitKind = (typeof LIMIT_KINDS)[number];

/** No limit of any kind. */
export function noLimits(): Record<LimitKind, Map<string, LimitSpec>> {
  return { tasks: new Map(), tenants: new Map(), taskTokens: new Map(), tenantTokens: new Map() };
}

/** Whether a limit is one on tokens of language models. */
export function countsTokens(kind: LimitKind): kind is "taskTokens" | "tenantTokens" {
  return kind === "taskTokens" || kind === "tenantTokens";
}

/** The lowest rate sent, one request in 1,000 seconds: a filter need not divide by 0. */
const LOWEST_RATE = 0.001;

/**
 * The shared limits of one task or tenant: its rate, and its requests in flight if they are capped; or its
 * rate of tokens.
 */
export class Limit {
  readonly kind: LimitKind;
  /** Task id or tenant. */
  readonly name: string;
  readonly rate: SharedLimit;
  inFlight: SharedLimit | undefined;
  /** Requests under way at the pods' last reports, in all and by slot. */
  requestsInFlight = 0;
  private inFlightBySlot = new Float64Array(4);
  /** Requests or tokens, since this process started. */
  admitted = 0;
  refused = 0;
  /** When the targets were computed, milliseconds. */
  computedAt = Number.NEGATIVE_INFINITY;
  /** Which report had traffic of it last, as the gateway counts them. */
  lastReport = 0;
  private spec: LimitSpec;

  constructor(kind: LimitKind, name: string, spec: LimitSpec, slots: Iterable<number>) {
    this.kind = kind;
    this.name = name;
    this.spec = spec;
    this.rate = new SharedLimit(spec.perSecond);
    if (spec.maxInFlight !== undefined) this.inFlight = new SharedLimit(spec.maxInFlight, true);
    for (const slot of slots) this.join(slot);
  }

  /** Returns whether that changes anything. */
  update(spec: LimitSpec, slots: Iterable<number>): boolean {
    const before = this.spec;
    this.spec = spec;
    if (spec.perSecond !== before.perSecond) this.rate.setCapacity(spec.perSecond);
    if (spec.maxInFlight !== before.maxInFlight) {
      if (spec.maxInFlight === undefined) this.inFlight = undefined;
      else if (this.inFlight !== undefined) this.inFlight.setCapacity(spec.maxInFlight);
      else {
        this.inFlight = new SharedLimit(spec.maxInFlight, true);
        for (const slot of slots) this.inFlight.join(slot);
      }
    }
    return (
      spec.perSecond !== before.perSecond ||
      spec.burst !== before.burst ||
      spec.maxInFlight !== before.maxInFlight
    );
  }

  join(slot: number): void {
    this.rate.join(slot);
    this.inFlight?.join(slot);
  }

  leave(slot: number): void {
    this.countInFlight(slot, 0);
    this.rate.leave(slot);
    this.inFlight?.leave(slot);
  }

  /** Takes what a pod saw: requests a second, and requests in flight. */
  observe(slot: number, perSecond: number, inFlight: number): void {
    this.rate.observe(slot, perSecond);
    this.inFlight?.observe(slot, inFlight);
    this.countInFlight(slot, inFlight);
  }

  private countInFlight(slot: number, inFlight: number): void {
    if (slot >= this.inFlightBySlot.length) this.inFlightBySlot = enlarged(this.inFlightBySlot, slot * 2);
    this.requestsInFlight += inFlight - (this.inFlightBySlot[slot] as number);
    this.inFlightBySlot[slot] = inFlight;
  }

  /** See SharedLimit. */
  get isDue(): boolean {
    return this.rate.isDue || (this.inFlight?.isDue ?? false);
  }

  get isStale(): boolean {
    return this.rate.isStale || (this.inFlight?.isStale ?? false);
  }

  /** See SharedLimit. */
  estimate(slot: number, admittedPerSecond: number, inFlight: number): void {
    this.rate.estimate(slot, admittedPerSecond);
    this.inFlight?.estimate(slot, inFlight);
  }

  isActive(slot: number): boolean {
    return this.rate.isActive(slot) || (this.inFlight?.isActive(slot) ?? false);
  }

  retarget(weights: Float64Array): void {
    if (this.rate.isDue) this.rate.retarget(weights);
    if (this.inFlight?.isDue) this.inFlight.retarget(weights);
  }

  wantsMove(slot: number): boolean {
    return this.rate.wantsMove(slot) || (this.inFlight?.wantsMove(slot) ?? false);
  }

  /** See SharedLimit. Returns whether the pod's share moved. */
  offer(slot: number, isEstimated: boolean): boolean {
    const rateMoved = this.rate.offer(slot, isEstimated);
    return (this.inFlight?.offer(slot, isEstimated) ?? false) || rateMoved;
  }

  acknowledge(slot: number): void {
    this.rate.acknowledge(slot);
    this.inFlight?.acknowledge(slot);
  }

  /** The pod's share in the form of the protocol, rounded down. */
  share(slot: number): TaskShare | TokenShare {
    const granted = this.rate.granted(slot);
    const { burst: whole = this.rate.capacity } = this.spec;
    const perSecond = Math.max(LOWEST_RATE, roundDown(granted));
    const burst = Math.max(1, roundDown((whole * granted) / this.rate.capacity));
    if (countsTokens(this.kind)) return { tokensPerSecond: perSecond, burst };
    const share: RateShare = { requestsPerSecond: perSecond, burst };
    return this.inFlight === undefined ? share : { ...share, maxInFlight: this.inFlight.granted(slot) };
  }
}

function roundDown(value: number): number {
  return Math.floor(value * 1000) / 1000;
}
