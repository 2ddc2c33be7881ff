import { Bytes, fnv1a } from "./bytes";

/** Numbers by name: open addressing, at most half full. Filled when a plug-in is configured, then only read. */
export class NameTable {
  private readonly names: StaticArray<Bytes | null>;
  private readonly values: StaticArray<i32>;

  /** @param count how many names there will be at most */
  constructor(count: i32) {
    const size = 1 << (33 - clz<i32>(max(count, 1)));
    this.names = new StaticArray<Bytes | null>(size);
    this.values = new StaticArray<i32>(size);
  }

  /** @returns false when the name is there already. */
  add(name: Bytes, value: i32): bool {
    const slot = this.slotOf(name.ptr, name.len);
    if (this.names[slot] != null) return false;
    this.names[slot] = name;
    this.values[slot] = value;
    return true;
  }

  /** @returns -1 for an unknown name */
  find(ptr: usize, len: i32): i32 {
    const slot = this.slotOf(ptr, len);
    return this.names[slot] == null ? -1 : this.values[slot];
  }

  private slotOf(ptr: usize, len: i32): i32 {
    const mask = this.names.length - 1;
    let slot = <i32>fnv1a(ptr, len) & mask;
    while (true) {
      const name = this.names[slot];
      if (name == null || name.equals(ptr, len)) return slot;
      slot = (slot + 1) & mask;
    }
  }
}
