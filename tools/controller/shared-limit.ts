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

const FEWEST_SLOTS = 4;

let demands = new Float64Array(64);
let weightsOfMembers = new Float64Array(64);
let shares = new Float64Array(64);
const excesses = new Array<number>(WORTH_LOWERING.length).fill(0);

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
  private slots: number;
  private readonly arrays: {
    demand: Float64Array;
    granted: Float64Array;
    reserved: Float64Array;
    target: Float64Array;
  };
  /** 1: the slot's pod takes part; 2: its share must follow the target exactly, as limit or members changed. */
  private state: Uint8Array;
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
    this.slots = FEWEST_SLOTS;
    const numbers = () => new Float64Array(FEWEST_SLOTS);
    this.arrays = { demand: numbers(), granted: numbers(), reserved: numbers(), target: numbers() };
    this.state = new Uint8Array(FEWEST_SLOTS);
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
    return at(this.arrays.demand, slot) > 0;
  }

  /** The share last handed out to a pod. */
  granted(slot: number): number {
    return this.arrays.granted[slot] ?? 0;
  }

  /** The most that a pod may be using. */
  reserved(slot: number): number {
    return this.arrays.reserved[slot] ?? 0;
  }

  setCapacity(limit: number): void {
    this.limit = limit;
    this.unsettle();
  }

  join(slot: number): void {
    this.grow(slot);
    this.forget(slot);
    this.unsettle();
    this.state[slot] = UNSETTLED;
  }

  leave(slot: number): void {
    if (slot >= this.slots) return;
    this.forget(slot);
    this.state[slot] = ABSENT;
    this.unsettle();
  }

  /**
   * Takes what a pod was seen to need, e.g. requests a second. When its share may be too small the split is due again; otherwise nothing is
   * gained by moving shares.
   */
  observe(slot: number, seen: number): void {
    const { demand, granted } = this.arrays;
    const before = at(demand, slot);
    const followed = before + (seen - before) * (seen > before ? RISE : FALL);
    const now = Math.abs(seen - followed) < this.limit * 1e-3 ? seen : followed;
    demand[slot] = now;
    if (now > at(granted, slot) * NEARLY_ALL) this.isShort = true;
  }

  /** For a pod whose shares are not known: what it admits, e.g. per second. */
  estimate(slot: number, admitted: number): void {
    const { granted } = this.arrays;
    granted[slot] = admitted;
    this.reserve(slot, admitted);
  }

  /** Computes the shares that the demand asks for. @param weights of all slots */
  retarget(weights: Float64Array): void {
    const { demand, reserved, target } = this.arrays;
    makeRoom(this.slots);
    this.isShort = false;
    this.stale = false;
    let count = 0;
    this.reservedTotal = 0;
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.state[slot] === ABSENT) continue;
      this.reservedTotal += at(reserved, slot);
      demands[count] = at(demand, slot);
      weightsOfMembers[count] = at(weights, slot);
      count++;
    }
    if (count === 0) return;
    split(this.whole ? this.limit : this.limit * (1 - HELD_BACK), demands, weightsOfMembers, shares, count);
    if (this.whole) roundShares(shares, demands, count);
    count = 0;
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.state[slot] === ABSENT) continue;
      target[slot] = at(shares, count++);
    }
    this.members = count;
    this.lowering = this.worthLowering();
  }

  /** How much of an excess is worth taking, so that the pods that are short get what they lack. */
  private worthLowering(): number {
    const { granted, target } = this.arrays;
    const equal = this.limit / this.members;
    let missing = -this.limit * (1 - HELD_BACK);
    let raises = 0;
    excesses.fill(0);
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.state[slot] === ABSENT) continue;
      const share = at(granted, slot);
      const gap = at(target, slot) - share;
      missing += share;
      if (this.isWorthRaising(slot, gap)) raises += gap;
      else
        for (let i = 0; i < WORTH_LOWERING.length; i++)
          if (-gap > at(WORTH_LOWERING, i) * equal) excesses[i] = at(excesses, i) - gap;
    }
    if (raises === 0 || missing + raises <= 0) return Number.POSITIVE_INFINITY;
    const enough = WORTH_LOWERING.findIndex((_, i) => at(excesses, i) >= missing + raises);
    return enough === -1 ? 0 : at(WORTH_LOWERING, enough) * equal;
  }

  private isWorthRaising(slot: number, gap: number): boolean {
    if (gap <= 0) return false;
    const share = at(this.arrays.granted, slot);
    if (at(this.arrays.demand, slot) <= share * NEARLY_ALL) return false;
    return gap > Math.min((this.limit / this.members) * WORTH_RAISING, share * WORTH_RAISING_OF_OWN);
  }

  /** Whether a pod's share should move: up if it is short, down if others are; or as limit or members changed. */
  wantsMove(slot: number): boolean {
    const gap = at(this.arrays.target, slot) - at(this.arrays.granted, slot);
    if (gap === 0) return false;
    return this.state[slot] === UNSETTLED || -gap > this.lowering || this.isWorthRaising(slot, gap);
  }

  /** Moves a pod's share towards its target as far as is safe now. Returns whether it moved. */
  offer(slot: number): boolean {
    if (!this.wantsMove(slot)) {
      this.state[slot] = SETTLED;
      return false;
    }
    const { granted, reserved, target } = this.arrays;
    const before = at(granted, slot);
    const wanted = at(target, slot);
    let next = wanted;
    if (wanted > before) {
      const others = this.reservedTotal - at(reserved, slot);
      const free = this.limit * (this.whole ? 1 : 1 - HELD_BACK) - others;
      const forNewcomers = before === 0 && !this.whole ? (this.limit - others) / 2 : 0;
      next = Math.max(before, Math.min(wanted, Math.max(this.whole ? Math.floor(free) : free, forNewcomers)));
    }
    if (next === wanted) this.state[slot] = SETTLED;
    if (next === before) return false;
    granted[slot] = next;
    if (next > at(reserved, slot)) this.reserve(slot, next);
    return true;
  }

  /** The pod has applied the share last handed out to it. */
  acknowledge(slot: number): void {
    this.reserve(slot, at(this.arrays.granted, slot));
  }

  /** The sum of all reservations. */
  reservedSum(): number {
    return this.reservedTotal;
  }

  private reserve(slot: number, value: number): void {
    const { reserved } = this.arrays;
    this.reservedTotal += value - at(reserved, slot);
    reserved[slot] = value;
  }

  private unsettle(): void {
    this.stale = true;
    for (let slot = 0; slot < this.slots; slot++)
      if (this.state[slot] === SETTLED) this.state[slot] = UNSETTLED;
  }

  private forget(slot: number): void {
    this.reserve(slot, 0);
    for (const array of Object.values(this.arrays)) array[slot] = 0;
  }

  private grow(slot: number): void {
    if (slot < this.slots) return;
    while (this.slots <= slot) this.slots *= 2;
    for (const key of ["demand", "granted", "reserved", "target"] as const)
      this.arrays[key] = enlarged(this.arrays[key], this.slots);
    const state = new Uint8Array(this.slots);
    state.set(this.state);
    this.state = state;
  }
}

const ABSENT = 0;
const SETTLED = 1;
const UNSETTLED = 2;

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
