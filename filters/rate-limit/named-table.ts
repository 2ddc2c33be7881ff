import { Bytes, fnv1a } from "../sdk/bytes";

/** What a NamedTable holds. */
export abstract class Named {
  constructor(readonly name: Bytes) {}
}

/** Things by name: open addressing, at most half full. Nothing is ever taken out. */
export class NamedTable<T extends Named> {
  readonly all: T[] = [];
  private slots: StaticArray<i32> = new StaticArray<i32>(8);

  get count(): i32 {
    return this.all.length;
  }

  /** @returns false when the name is taken. */
  add(entry: T): bool {
    const at = this.slotOf(entry.name.ptr, entry.name.len);
    if (this.slots[at] != 0) return false;
    this.all.push(entry);
    this.slots[at] = this.all.length;
    if (this.all.length * 2 > this.slots.length) this.grow();
    return true;
  }

  find(name: usize, len: i32): T | null {
    const index = unchecked(this.slots[this.slotOf(name, len)]);
    return index == 0 ? null : this.all[index - 1];
  }

  private grow(): void {
    this.slots = new StaticArray<i32>(this.slots.length * 2);
    for (let i = 0; i < this.all.length; i++) {
      const name = this.all[i].name;
      this.slots[this.slotOf(name.ptr, name.len)] = i + 1;
    }
  }

  private slotOf(name: usize, len: i32): i32 {
    const slots = this.slots;
    const mask = slots.length - 1;
    let at = <i32>fnv1a(name, len) & mask;
    while (true) {
      const index = unchecked(slots[at]);
      if (index == 0 || this.all[index - 1].name.equals(name, len)) return at;
      at = (at + 1) & mask;
    }
  }
}
