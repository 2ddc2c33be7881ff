import { at, roundShares, split } from "./split.ts";

/** Part of a limit that only pods new to it may draw on, so that each gets something at once. */
const HELD_BACK = 0.001;

/** Moves below this part of an equal share are not worth a message. */
const WORTH_A_MOVE = 0.05;
const WHOLE_WORTH_A_MOVE = 0.2;

/** How fast the demand follows reports: up fast, so that refusals end soon; down slowly, which damps moves. */
const RISE = 0.7;
const FALL = 0.3;

const FEWEST_SLOTS = 4;

let demands = new Float64Array(64);
let weightsOfMembers = new Float64Array(64);
let shares = new Float64Array(64);

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
  /** Some pod waits for others to give up what it should have: small moves count too. */
  private short = false;
  private members = 0;

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

  /** Whether a pod waits for what others have yet to give up. */
  get isShort(): boolean {
    return this.short;
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

  /** Takes what a pod was seen to need, e.g. requests a second. Returns whether the split is worth redoing. */
  observe(slot: number, seen: number): boolean {
    const { demand } = this.arrays;
    const before = at(demand, slot);
    const followed = before + (seen - before) * (seen > before ? RISE : FALL);
    const now = Math.abs(seen - followed) < this.limit * 1e-3 ? seen : followed;
    demand[slot] = now;
    return now !== before;
  }

  /** For a pod whose shares are not known: what it admits, e.g. per second. */
  estimate(slot: number, admitted: number): void {
    const { granted, reserved } = this.arrays;
    granted[slot] = admitted;
    reserved[slot] = admitted;
  }

  /** Computes the shares that the demand asks for. @param weights of all slots */
  retarget(weights: Float64Array): void {
    const { demand, target } = this.arrays;
    makeRoom(this.slots);
    let count = 0;
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.state[slot] === ABSENT) continue;
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
    if (this.short) this.short = this.someoneIsShort();
  }

  private someoneIsShort(): boolean {
    const { granted, target } = this.arrays;
    const gap = (this.limit / this.members) * this.worthAMove;
    for (let slot = 0; slot < this.slots; slot++)
      if (this.state[slot] !== ABSENT && at(target, slot) - at(granted, slot) > gap) return true;
    return false;
  }

  private get worthAMove(): number {
    return this.whole ? WHOLE_WORTH_A_MOVE : WORTH_A_MOVE;
  }

  /** Whether a pod's share should move. */
  wantsMove(slot: number): boolean {
    const { granted, target } = this.arrays;
    const gap = Math.abs(at(target, slot) - at(granted, slot));
    if (gap === 0) return false;
    if (this.state[slot] === UNSETTLED) return true;
    return gap > (this.limit / this.members) * (this.short ? this.worthAMove / 50 : this.worthAMove);
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
      let others = 0;
      for (let other = 0; other < this.slots; other++) if (other !== slot) others += at(reserved, other);
      const free = this.limit * (this.whole ? 1 : 1 - HELD_BACK) - others;
      const forNewcomers = before === 0 && !this.whole ? (this.limit - others) / 2 : 0;
      next = Math.max(before, Math.min(wanted, Math.max(this.whole ? Math.floor(free) : free, forNewcomers)));
      this.short = next < wanted;
    }
    if (next === wanted) this.state[slot] = SETTLED;
    if (next === before) return false;
    granted[slot] = next;
    if (next > at(reserved, slot)) reserved[slot] = next;
    return true;
  }

  /** The pod has applied the share last handed out to it. */
  acknowledge(slot: number): void {
    this.arrays.reserved[slot] = at(this.arrays.granted, slot);
  }

  /** The sum of all reservations. */
  reservedSum(): number {
    let sum = 0;
    for (let slot = 0; slot < this.slots; slot++) sum += at(this.arrays.reserved, slot);
    return sum;
  }

  private unsettle(): void {
    for (let slot = 0; slot < this.slots; slot++)
      if (this.state[slot] === SETTLED) this.state[slot] = UNSETTLED;
  }

  private forget(slot: number): void {
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
