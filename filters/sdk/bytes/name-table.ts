import { Bytes, fnv1a } from "./bytes";

/**
 * Values by name: open addressing, at most half full. Nothing is ever taken out. A slot is the name's hash
 * and its place in `values` plus one; 0 is a free slot.
 */
export class NameTable<T> {
  /** In the order in which they were added. */
  readonly values: T[] = [];
  private readonly names: Bytes[] = [];
  private slots: StaticArray<u64> = new StaticArray<u64>(8);

  get count(): i32 {
    return this.values.length;
  }

  /** @returns false when the name is there already. */
  add(name: Bytes, value: T): bool {
    const hash = fnv1a(name.ptr, name.len);
    const at = this.slotOf(hash, name.ptr, name.len);
    if (this.slots[at] != 0) return false;
    this.names.push(name);
    this.values.push(value);
    this.slots[at] = slot(hash, this.count);
    if (this.count * 2 > this.slots.length) this.grow();
    return true;
  }

  /** For values that are objects. @returns null for an unknown name */
  find(name: usize, len: i32): T | null {
    const place = this.placeOf(name, len);
    return place < 0 ? null : unchecked(this.values[place]);
  }

  /** @returns `absent` for an unknown name */
  findOr(name: usize, len: i32, absent: T): T {
    const place = this.placeOf(name, len);
    return place < 0 ? absent : unchecked(this.values[place]);
  }

  has(name: usize, len: i32): bool {
    return this.placeOf(name, len) >= 0;
  }

  private placeOf(name: usize, len: i32): i32 {
    return <i32>unchecked(this.slots[this.slotOf(fnv1a(name, len), name, len)]) - 1;
  }

  private grow(): void {
    this.slots = new StaticArray<u64>(this.slots.length * 2);
    for (let i = 0; i < this.count; i++) {
      const name = this.names[i];
      const hash = fnv1a(name.ptr, name.len);
      this.slots[this.slotOf(hash, name.ptr, name.len)] = slot(hash, i + 1);
    }
  }

  private slotOf(hash: u32, name: usize, len: i32): i32 {
    const slots = this.slots;
    const mask = slots.length - 1;
    let at = <i32>hash & mask;
    while (true) {
      const found = unchecked(slots[at]);
      if (found == 0) return at;
      if (<u32>(found >> 32) == hash && unchecked(this.names[<i32>found - 1]).equals(name, len)) return at;
      at = (at + 1) & mask;
    }
  }
}

function slot(hash: u32, place: i32): u64 {
  return ((<u64>hash) << 32) | <u64>place;
}
