import type { Limit } from "./limit.ts";

/** A pod that misses more limits that are gone is told everything instead. */
const MOST_GONE = 10_000;

/** No pod reports it. */
const NO_GENERATION = -1;

/** What the controller keeps of one gateway pod, besides its slot in each limit. */
export class Pod {
  readonly name: string;
  readonly slot: number;
  /** Milliseconds of the monotonic clock. */
  readonly joinedAt: number;
  lastReport = Number.NEGATIVE_INFINITY;
  /** Last generation that the pod has acknowledged, 0 for none. */
  acknowledged = 0;
  /** Last generation sent to it. */
  issued = 0;
  /** The pod runs with shares that this process didn't hand out. */
  isEstimated = true;
  /** Each limit is to be looked at for its next reply, as limits or members changed. */
  isSwept = true;
  /** Limits whose share should move. */
  readonly moves = new Set<Limit>();
  /** Limits that were defined anew since its last reply. */
  readonly changed = new Set<Limit>();
  /** Limits sent but not acknowledged; "all" after a full reply. */
  unacknowledged: Set<Limit> | "all" = new Set();
  /** Limits that are gone, which the pod has yet to hear. */
  readonly gone = new Set<Limit>();
  /** Those of them in the last reply. */
  goneSent: Limit[] = [];
  /** Version of the revocations acknowledged, and of those sent. */
  revocations = 0;
  revocationsSent = 0;
  /** Limits whose demand by this pod isn't 0. */
  active: Limit[] = [];

  constructor(name: string, slot: number, now: number) {
    this.name = name;
    this.slot = slot;
    this.joinedAt = now;
  }

  /** Takes limits that are gone, to tell the pod. */
  forget(limits: Limit[]): void {
    for (const limit of limits) {
      this.gone.add(limit);
      this.moves.delete(limit);
      this.changed.delete(limit);
      if (this.unacknowledged !== "all") this.unacknowledged.delete(limit);
    }
    this.active = this.active.filter((limit) => !this.gone.has(limit));
    if (this.gone.size <= MOST_GONE) return;
    this.gone.clear();
    this.acknowledged = NO_GENERATION;
    this.issued = NO_GENERATION;
  }

  get hasReported(): boolean {
    return this.lastReport !== Number.NEGATIVE_INFINITY;
  }
}
