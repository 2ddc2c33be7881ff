/** What a shared limit keeps of each slot's pod. */
export const DEMAND = 0;
/** Share last handed out. */
export const GRANTED = 1;
/** The most that the pod may be using. */
export const RESERVED = 2;
/** Share that the demand asks for. */
export const TARGET = 3;
export const STATE = 4;
/** What the pod's last report said that it needs. */
export const SEEN = 5;
const FIELDS = 6;

/** States: no pod has the slot; */
export const ABSENT = 0;
/** its share is near its target; */
export const SETTLED = 1;
/** its share must follow the target exactly, as the limit or the pods have changed. */
export const UNSETTLED = 2;

const FEWEST_SLOTS = 4;

/**
 * Numbers by slot and field, those of a slot side by side for the sake of the processor's cache. New slots
 * are ABSENT.
 */
export class Cells {
  private slotCount = FEWEST_SLOTS;
  private numbers = new Float64Array(FEWEST_SLOTS * FIELDS);

  get slots(): number {
    return this.slotCount;
  }

  get(slot: number, field: number): number {
    return this.numbers[slot * FIELDS + field] as number;
  }

  set(slot: number, field: number, value: number): void {
    this.numbers[slot * FIELDS + field] = value;
  }

  clear(slot: number): void {
    this.numbers.fill(0, slot * FIELDS, (slot + 1) * FIELDS);
  }

  /** Makes room for a slot. */
  reach(slot: number): void {
    if (slot < this.slotCount) return;
    while (this.slotCount <= slot) this.slotCount *= 2;
    this.numbers = enlarged(this.numbers, this.slotCount * FIELDS);
  }
}

export function enlarged(array: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length);
  larger.set(array);
  return larger;
}
