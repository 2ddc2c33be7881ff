import { Bytes, fnv1a } from "../sdk/bytes/bytes";

/** What a NamedTable holds. */
export abstract class Named {
  constructor(readonly name: Bytes) {}
}

/** Things by name: open addressing, at most half full. Nothing is ever taken out. A slot is a hash and an index plus one. */
export class NamedTable<T extends Named> {
  readonly all: T[] = [];
  private slots: StaticArray<u64> = new StaticArray<u64>(8);

  get count(): i32 {
    return this.all.length;
  }

  /** @returns false when the name is taken. */
  add(entry: T): bool {
    const name = entry.name;
    const hash = fnv1a(name.ptr, name.len);
    const at = this.slotOf(hash, name.ptr, name.len);
    if (this.slots[at] != 0) return false;
    this.all.push(entry);
    this.slots[at] = slot(hash, this.all.length);
    if (this.all.length * 2 > this.slots.length) this.grow();
    return true;
  }

  find(name: usize, len: i32): T | null {
    const found = unchecked(this.slots[this.slotOf(fnv1a(name, len), name, len)]);
    return found == 0 ? null : unchecked(this.all[<i32>found - 1]);
  }

  private grow(): void {
    this.slots = new StaticArray<u64>(this.slots.length * 2);
    for (let i = 0; i < this.all.length; i++) {
      const name = this.all[i].name;
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
      if (<u32>(found >> 32) == hash && unchecked(this.all[<i32>found - 1]).name.equals(name, len)) return at;
      at = (at + 1) & mask;
    }
  }
}

function slot(hash: u32, place: i32): u64 {
  return ((<u64>hash) << 32) | <u64>place;
}
