import {
  ABSENT,
  Cells,
  DEMAND,
  GRANTED,
  RESERVED,
  SEEN,
  SETTLED,
  STATE,
  TARGET,
  UNSETTLED,
} from "./cells.ts";
import { at, IDLE_SHARE, roundShares, split } from "./split.ts";

/** Part of a limit that only pods new to it may draw on, so that each gets something at once. */
const HELD_BACK = 0.001;

/** A pod whose demand comes so near to its share is short of it. */
const NEARLY_ALL = 0.9;

/** A raise below this part of an equal share, or of its own if that is less, is not worth a message. */
const WORTH_RAISING = 0.01;
const WORTH_RAISING_OF_OWN = 0.1;

/** Part of an equal share below which no pod is left for long. */
const LEAST = IDLE_SHARE / 2;

/** Part of a limit that is not left without use for long. */
const MUCH = 0.05;

/**
 * To make room, pods give up excesses above the first of these parts of an equal share that is enough: few
 * large ones before many small.
 */
const WORTH_LOWERING = [0.5, 0.2, 0.05, 0.01];

/**
 * How fast the demand follows reports: up fast, so that refusals end soon; down slowly, which damps moves.
 */
const RISE = 0.6;
const FALL = 0.4;

/** Two reports in a row of less than this part of the demand are no chance: it falls at once. */
const FALLEN = 0.5;

let demands = new Float64Array(64);
let weightsOfMembers = new Float64Array(64);
let shares = new Float64Array(64);
const excesses = new Float64Array(WORTH_LOWERING.length);

/**
 * One limit, handed out in shares to the pods of a gateway. What is safe about it:
 *
 * A pod's reservation is the most that it may be using: the largest share handed out to it since the last one
 * that it acknowledged. An increase is handed out only from what no reservation holds, so the reservations
 * never sum to more than the limit while it stays as it is, whatever replies are lost or late. A decrease is
 * handed out at once, but frees its part only when acknowledged, or when the pod is gone (`leave`). When the
 * limit itself falls, each pod's next reply brings it down.
 *
 * A pod whose shares this process doesn't know (it restarted, or was elected) joins through `estimate`: what
 * the pod is seen to admit stands for its share until it gets its first one here.
 */
export class SharedLimit {
  private limit: number;
  private readonly whole: boolean;
  private readonly cells = new Cells();
  private members = 0;
  /** A pod may be short of its share, or the pods may have more or less than there is. */
  private due = false;
  /** The targets are those of another limit or of other pods. */
  private stale = true;
  /** Pods give up what they have above their target and this. */
  private lowering = Number.POSITIVE_INFINITY;
  /** Much is handed out to nobody: pods are raised without being short. */
  private hasSpare = false;
  /** Sum of all reservations; computed anew with the targets, so that rounding errors don't add up. */
  private reservedTotal = 0;

  /** @param whole shares are whole numbers, as of requests in flight */
  constructor(limit: number, whole = false) {
    this.limit = limit;
    this.whole = whole;
  }

  get capacity(): number {
    return this.limit;
  }

  /** Whether it is time to compute the targets again. */
  get isDue(): boolean {
    return this.due || this.stale;
  }

  /** Whether the targets must be computed again before shares move. */
  get isStale(): boolean {
    return this.stale;
  }

  /** Whether the pod's demand is not 0. */
  isActive(slot: number): boolean {
    return this.cells.get(slot, DEMAND) > 0;
  }

  /** The share last handed out to a pod. */
  granted(slot: number): number {
    return this.cells.get(slot, GRANTED);
  }

  /** The sum of all reservations: of the most that each pod may be using. */
  reservedSum(): number {
    return this.reservedTotal;
  }

  setCapacity(limit: number): void {
    this.limit = limit;
    this.unsettle();
  }

  join(slot: number): void {
    this.cells.reach(slot);
    this.forget(slot);
    this.unsettle();
    this.cells.set(slot, STATE, UNSETTLED);
  }

  leave(slot: number): void {
    this.forget(slot);
    this.unsettle();
  }

  /**
   * Takes what a pod was seen to need, e.g. requests a second. When its share may be too small the split is
   * due again; otherwise nothing is gained by moving shares.
   */
  observe(slot: number, seen: number): void {
    const before = this.cells.get(slot, DEMAND);
    // Nobody gets more than the limit, and what is far beyond it would take long to fall.
    const needed = Math.min(seen, this.limit);
    const lately = Math.max(needed, this.cells.get(slot, SEEN));
    this.cells.set(slot, SEEN, needed);
    const risen = Math.min(before + (seen - before) * RISE, this.limit);
    const fallen = lately < before * FALLEN ? lately : before + (needed - before) * FALL;
    const followed = needed > before ? risen : fallen;
    const now = Math.abs(needed - followed) < this.limit * 1e-3 ? needed : followed;
    this.cells.set(slot, DEMAND, now);
    if (now > this.cells.get(slot, GRANTED) * NEARLY_ALL) this.due = true;
  }

  /** For a pod whose shares are not known: what it admits, e.g. per second. */
  estimate(slot: number, admitted: number): void {
    const share = Math.min(admitted, this.limit);
    this.cells.set(slot, GRANTED, share);
    this.reserve(slot, share);
  }

  /** Computes the shares that the demand asks for. @param weights of all slots */
  retarget(weights: Float64Array): void {
    makeRoom(this.cells.slots);
    this.due = false;
    this.stale = false;
    this.reservedTotal = 0;
    let count = 0;
    for (let slot = 0; slot < this.cells.slots; slot++) {
      if (this.cells.get(slot, STATE) === ABSENT) continue;
      this.reservedTotal += this.cells.get(slot, RESERVED);
      demands[count] = this.cells.get(slot, DEMAND);
      weightsOfMembers[count] = at(weights, slot);
      count++;
    }
    this.members = count;
    if (count === 0) return;
    split(this.whole ? this.limit : this.limit * (1 - HELD_BACK), demands, weightsOfMembers, shares, count);
    if (this.whole) roundShares(shares, demands, count);
    count = 0;
    for (let slot = 0; slot < this.cells.slots; slot++)
      if (this.cells.get(slot, STATE) !== ABSENT) this.cells.set(slot, TARGET, at(shares, count++));
    this.lowering = this.worthLowering();
  }

  /** How much of an excess is worth taking, so that the pods that are short get what they lack. */
  private worthLowering(): number {
    const equal = this.limit / this.members;
    let missing = -this.limit * (1 - HELD_BACK);
    let raises = 0;
    excesses.fill(0);
    for (let slot = 0; slot < this.cells.slots; slot++) {
      if (this.cells.get(slot, STATE) === ABSENT) continue;
      const gap = this.gap(slot);
      missing += this.cells.get(slot, GRANTED);
      if (this.isWorthRaising(slot, gap)) raises += gap;
      else
        for (let i = 0; i < WORTH_LOWERING.length; i++)
          if (-gap > at(WORTH_LOWERING, i) * equal) excesses[i] = at(excesses, i) - gap;
    }
    this.hasSpare = missing < -this.limit * MUCH;
    if (missing + raises <= this.limit * 1e-6) return Number.POSITIVE_INFINITY;
    const enough = excesses.findIndex((excess) => excess >= missing + raises);
    return enough === -1 ? 0 : at(WORTH_LOWERING, enough) * equal;
  }

  private isWorthRaising(slot: number, gap: number): boolean {
    if (gap <= 0) return false;
    const equal = this.limit / this.members;
    const share = this.cells.get(slot, GRANTED);
    if (share < equal * LEAST && !this.whole) return true;
    if (this.hasSpare && gap > equal * WORTH_RAISING) return true;
    if (this.cells.get(slot, DEMAND) <= share * NEARLY_ALL) return false;
    return gap > Math.min(equal * WORTH_RAISING, share * WORTH_RAISING_OF_OWN);
  }

  /**
   * Whether a pod's share should move: up if it is short, down if others are; or as limit or pods changed.
   */
  wantsMove(slot: number): boolean {
    const gap = this.gap(slot);
    if (gap === 0) return false;
    return (
      this.cells.get(slot, STATE) === UNSETTLED || -gap > this.lowering || this.isWorthRaising(slot, gap)
    );
  }

  /**
   * Moves a pod's share towards its target as far as is safe now. Returns whether it moved.
   * @param isEstimated it is the first share for a pod that was estimated
   */
  offer(slot: number, isEstimated: boolean): boolean {
    const wantsMove = this.wantsMove(slot);
    const before = this.cells.get(slot, GRANTED);
    const wanted = this.cells.get(slot, TARGET);
    const kept = isEstimated ? Math.min(before, this.room(slot)) : before;
    const next = !wantsMove ? kept : wanted > kept ? this.raised(slot, kept, wanted) : wanted;
    if (!wantsMove || next === wanted) this.cells.set(slot, STATE, SETTLED);
    if (next === before) return false;
    this.cells.set(slot, GRANTED, next);
    if (next > this.cells.get(slot, RESERVED)) this.reserve(slot, next);
    if (next < before || this.reservedTotal > this.limit) this.due = true;
    return true;
  }

  /** What a share may be raised to at once, as the other pods have it now. */
  private raised(slot: number, before: number, wanted: number): number {
    const room = this.room(slot);
    if (this.whole) return Math.max(before, Math.min(wanted, Math.floor(room)));
    const forNewcomers = before === 0 ? room / 2 : 0;
    return Math.max(before, Math.min(wanted, Math.max(room - this.limit * HELD_BACK, forNewcomers)));
  }

  /** What the others' reservations leave for a pod. */
  private room(slot: number): number {
    return Math.max(0, this.limit - this.reservedTotal + this.cells.get(slot, RESERVED));
  }

  /** The pod has applied the share last handed out to it. */
  acknowledge(slot: number): void {
    this.reserve(slot, this.cells.get(slot, GRANTED));
  }

  private gap(slot: number): number {
    return this.cells.get(slot, TARGET) - this.cells.get(slot, GRANTED);
  }

  private reserve(slot: number, value: number): void {
    this.reservedTotal += value - this.cells.get(slot, RESERVED);
    this.cells.set(slot, RESERVED, value);
  }

  private unsettle(): void {
    this.stale = true;
    for (let slot = 0; slot < this.cells.slots; slot++)
      if (this.cells.get(slot, STATE) === SETTLED) this.cells.set(slot, STATE, UNSETTLED);
  }

  private forget(slot: number): void {
    this.reserve(slot, 0);
    this.cells.clear(slot);
  }
}

function makeRoom(count: number): void {
  if (demands.length >= count) return;
  demands = new Float64Array(count * 2);
  weightsOfMembers = new Float64Array(count * 2);
  shares = new Float64Array(count * 2);
}
