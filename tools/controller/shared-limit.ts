import { at, roundShares, split } from "./split.ts";

/** Part of a limit that only pods new to it may draw on, so that each gets something at once. */
const HELD_BACK = 0.001;

/** A pod whose demand comes so near to its share is short of it. */
const NEARLY_ALL = 0.9;

/** A raise below this part of an equal share, or of its own if that is less, is not worth a message. */
const WORTH_RAISING = 0.05;
const WORTH_RAISING_OF_OWN = 0.1;

/** To make room, pods give up excesses above the first of these parts of an equal share that is enough: few large ones before many small. */
const WORTH_LOWERING = [0.5, 0.2, 0.05, 0.01];

/** How fast the demand follows reports: up fast, so that refusals end soon; down slowly, which damps moves. */
const RISE = 0.6;
const FALL = 0.2;

/** What is kept of each slot's pod, side by side for the sake of the processor's cache. */
const DEMAND = 0;
/** Share last handed out. */
const GRANTED = 1;
/** The most that the pod may be using. */
const RESERVED = 2;
/** Share that the demand asks for. */
const TARGET = 3;
const STATE = 4;
const FIELDS = 5;

const ABSENT = 0;
const SETTLED = 1;
/** The share must follow the target exactly, as the limit or the pods have changed. */
const UNSETTLED = 2;

const FEWEST_SLOTS = 4;

let demands = new Float64Array(64);
let weightsOfMembers = new Float64Array(64);
let shares = new Float64Array(64);
const excesses = new Float64Array(WORTH_LOWERING.length);

/**
 * One limit, handed out in shares to the pods of a gateway. What is safe about it:
 *
 * A pod's reservation is the most that it may be using: the largest share handed out to it since the last one that it
 * acknowledged. An increase is handed out only from what no reservation holds, so the reservations never sum to more than
 * the limit while it stays as it is, whatever replies are lost or late. A decrease is handed out at once, but frees its part
 * only when acknowledged, or when the pod is gone (`leave`). When the limit itself falls, each pod's next reply brings it down.
 *
 * A pod whose shares this process doesn't know (it restarted, or was elected) joins through `estimate`: what the pod is seen
 * to admit stands for its share until it gets its first one here.
 */
export class SharedLimit {
  private limit: number;
  private readonly whole: boolean;
  private slots = FEWEST_SLOTS;
  private cells = new Float64Array(FEWEST_SLOTS * FIELDS);
  private members = 0;
  /** A pod may be short of its share. */
  private isShort = false;
  /** The targets are those of another limit or of other pods. */
  private stale = true;
  /** Pods give up what they have above their target and this. */
  private lowering = Number.POSITIVE_INFINITY;
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
    return this.isShort || this.stale;
  }

  /** Whether the targets must be computed again before shares move. */
  get isStale(): boolean {
    return this.stale;
  }

  /** Whether the pod's demand is not 0. */
  isActive(slot: number): boolean {
    return this.get(slot, DEMAND) > 0;
  }

  /** The share last handed out to a pod. */
  granted(slot: number): number {
    return this.get(slot, GRANTED);
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
    this.grow(slot);
    this.forget(slot);
    this.unsettle();
    this.set(slot, STATE, UNSETTLED);
  }

  leave(slot: number): void {
    this.forget(slot);
    this.unsettle();
  }

  /**
   * Takes what a pod was seen to need, e.g. requests a second. When its share may be too small the split is due again; otherwise nothing is
   * gained by moving shares.
   */
  observe(slot: number, seen: number): void {
    const before = this.get(slot, DEMAND);
    const followed = before + (seen - before) * (seen > before ? RISE : FALL);
    const now = Math.abs(seen - followed) < this.limit * 1e-3 ? seen : followed;
    this.set(slot, DEMAND, now);
    if (now > this.get(slot, GRANTED) * NEARLY_ALL) this.isShort = true;
  }

  /** For a pod whose shares are not known: what it admits, e.g. per second. */
  estimate(slot: number, admitted: number): void {
    this.set(slot, GRANTED, admitted);
    this.reserve(slot, admitted);
  }

  /** Computes the shares that the demand asks for. @param weights of all slots */
  retarget(weights: Float64Array): void {
    makeRoom(this.slots);
    this.isShort = false;
    this.stale = false;
    this.reservedTotal = 0;
    let count = 0;
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.get(slot, STATE) === ABSENT) continue;
      this.reservedTotal += this.get(slot, RESERVED);
      demands[count] = this.get(slot, DEMAND);
      weightsOfMembers[count] = at(weights, slot);
      count++;
    }
    this.members = count;
    if (count === 0) return;
    split(this.whole ? this.limit : this.limit * (1 - HELD_BACK), demands, weightsOfMembers, shares, count);
    if (this.whole) roundShares(shares, demands, count);
    count = 0;
    for (let slot = 0; slot < this.slots; slot++)
      if (this.get(slot, STATE) !== ABSENT) this.set(slot, TARGET, at(shares, count++));
    this.lowering = this.worthLowering();
  }

  /** How much of an excess is worth taking, so that the pods that are short get what they lack. */
  private worthLowering(): number {
    const equal = this.limit / this.members;
    let missing = -this.limit * (1 - HELD_BACK);
    let raises = 0;
    excesses.fill(0);
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.get(slot, STATE) === ABSENT) continue;
      const gap = this.gap(slot);
      missing += this.get(slot, GRANTED);
      if (this.isWorthRaising(slot, gap)) raises += gap;
      else
        for (let i = 0; i < WORTH_LOWERING.length; i++)
          if (-gap > at(WORTH_LOWERING, i) * equal) excesses[i] = at(excesses, i) - gap;
    }
    if (raises === 0 || missing + raises <= 0) return Number.POSITIVE_INFINITY;
    const enough = excesses.findIndex((excess) => excess >= missing + raises);
    return enough === -1 ? 0 : at(WORTH_LOWERING, enough) * equal;
  }

  private isWorthRaising(slot: number, gap: number): boolean {
    if (gap <= 0) return false;
    const share = this.get(slot, GRANTED);
    if (this.get(slot, DEMAND) <= share * NEARLY_ALL) return false;
    return gap > Math.min((this.limit / this.members) * WORTH_RAISING, share * WORTH_RAISING_OF_OWN);
  }

  /** Whether a pod's share should move: up if it is short, down if others are; or as limit or pods changed. */
  wantsMove(slot: number): boolean {
    const gap = this.gap(slot);
    if (gap === 0) return false;
    return this.get(slot, STATE) === UNSETTLED || -gap > this.lowering || this.isWorthRaising(slot, gap);
  }

  /** Moves a pod's share towards its target as far as is safe now. Returns whether it moved. */
  offer(slot: number): boolean {
    const wantsMove = this.wantsMove(slot);
    const before = this.get(slot, GRANTED);
    const wanted = this.get(slot, TARGET);
    const next = !wantsMove ? before : wanted > before ? this.raised(slot, before, wanted) : wanted;
    if (!wantsMove || next === wanted) this.set(slot, STATE, SETTLED);
    if (next === before) return false;
    this.set(slot, GRANTED, next);
    if (next > this.get(slot, RESERVED)) this.reserve(slot, next);
    return true;
  }

  /** What a share may be raised to at once, as the other pods have it now. */
  private raised(slot: number, before: number, wanted: number): number {
    const others = this.reservedTotal - this.get(slot, RESERVED);
    if (this.whole) return Math.max(before, Math.min(wanted, Math.floor(this.limit - others)));
    const forNewcomers = before === 0 ? (this.limit - others) / 2 : 0;
    return Math.max(before, Math.min(wanted, Math.max(this.limit * (1 - HELD_BACK) - others, forNewcomers)));
  }

  /** The pod has applied the share last handed out to it. */
  acknowledge(slot: number): void {
    this.reserve(slot, this.get(slot, GRANTED));
  }

  private get(slot: number, field: number): number {
    return this.cells[slot * FIELDS + field] as number;
  }

  private set(slot: number, field: number, value: number): void {
    this.cells[slot * FIELDS + field] = value;
  }

  private gap(slot: number): number {
    return this.get(slot, TARGET) - this.get(slot, GRANTED);
  }

  private reserve(slot: number, value: number): void {
    this.reservedTotal += value - this.get(slot, RESERVED);
    this.set(slot, RESERVED, value);
  }

  private unsettle(): void {
    this.stale = true;
    for (let slot = 0; slot < this.slots; slot++)
      if (this.get(slot, STATE) === SETTLED) this.set(slot, STATE, UNSETTLED);
  }

  private forget(slot: number): void {
    this.reserve(slot, 0);
    this.cells.fill(0, slot * FIELDS, (slot + 1) * FIELDS);
  }

  private grow(slot: number): void {
    if (slot < this.slots) return;
    while (this.slots <= slot) this.slots *= 2;
    this.cells = enlarged(this.cells, this.slots * FIELDS);
  }
}

function makeRoom(count: number): void {
  if (demands.length >= count) return;
  demands = new Float64Array(count * 2);
  weightsOfMembers = new Float64Array(count * 2);
  shares = new Float64Array(count * 2);
}

export function enlarged(array: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length);
  larger.set(array);
  return larger;
}
