import { Bytes, fnv1a } from "../sdk/bytes";

/** Task ids: open addressing, at most half full. */
export class TaskSet {
  private readonly slots: StaticArray<Bytes | null>;

  /** @param count how many there will be at most */
  constructor(count: i32) {
    this.slots = new StaticArray<Bytes | null>(1 << (33 - clz<i32>(max(count, 1))));
  }

  add(taskid: Bytes): void {
    this.slots[this.slotOf(taskid.ptr, taskid.len)] = taskid;
  }

  has(taskid: usize, len: i32): bool {
    return this.slots[this.slotOf(taskid, len)] != null;
  }

  private slotOf(taskid: usize, len: i32): i32 {
    const mask = this.slots.length - 1;
    let at = <i32>fnv1a(taskid, len) & mask;
    while (true) {
      const held = this.slots[at];
      if (held == null || held.equals(taskid, len)) return at;
      at = (at + 1) & mask;
    }
  }
}
