import { fnv1a } from "../sdk/bytes";
import { Bucket } from "./bucket";

/** Buckets by name: open addressing, at most half full. */
export class BucketTable {
  private readonly slots: StaticArray<Bucket | null>;

  /** @param count how many buckets there will be at most */
  constructor(count: i32) {
    this.slots = new StaticArray<Bucket | null>(1 << (33 - clz<i32>(max(count, 1))));
  }

  /** @returns false when there is a bucket of that name already. */
  add(bucket: Bucket): bool {
    const at = this.slotOf(bucket.name.ptr, bucket.name.len);
    if (this.slots[at] != null) return false;
    this.slots[at] = bucket;
    return true;
  }

  find(name: usize, len: i32): Bucket | null {
    return this.slots[this.slotOf(name, len)];
  }

  private slotOf(name: usize, len: i32): i32 {
    const mask = this.slots.length - 1;
    let at = <i32>fnv1a(name, len) & mask;
    while (true) {
      const bucket = this.slots[at];
      if (bucket == null || bucket.name.equals(name, len)) return at;
      at = (at + 1) & mask;
    }
  }
}
