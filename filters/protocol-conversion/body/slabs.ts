import { Bytes } from "../../sdk/bytes/bytes";

/**
 * Byte runs of any length in blocks of one size, so that large tensors grow without copying. Blocks return to
 * a pool: the memory of the VM is the most that streams needed at once.
 */

export const SLAB_SIZE: i32 = 64 * 1024;
/** Each slab starts with the address of the next one. */
const HEADER: i32 = 16;

let pool: usize = 0;
let slabBytes: i64 = 0;

/** Bytes of all slabs that streams hold now. */
export function slabBytesHeld(): i64 {
  return slabBytes;
}

function takeSlab(): usize {
  slabBytes += SLAB_SIZE;
  if (pool == 0) return heap.alloc(HEADER + SLAB_SIZE);
  const slab = pool;
  pool = load<usize>(slab);
  return slab;
}

export class SlabChain {
  private first: usize = 0;
  private last: usize = 0;
  /** Where the next byte goes, and the end of its slab. */
  at: usize = 0;
  end: usize = 0;
  private full: i32 = 0;

  /** Bytes written so far. */
  get length(): i32 {
    return this.first == 0 ? 0 : this.full + SLAB_SIZE - <i32>(this.end - this.at);
  }

  /** Makes `at` point to a fresh slab. The current one must be full to its end. */
  grow(): void {
    const slab = takeSlab();
    store<usize>(slab, 0);
    if (this.first == 0) this.first = slab;
    else {
      store<usize>(this.last, slab);
      this.full += SLAB_SIZE;
    }
    this.last = slab;
    this.at = slab + HEADER;
    this.end = this.at + SLAB_SIZE;
  }

  append(ptr: usize, len: i32): void {
    while (len > 0) {
      if (this.at == this.end) this.grow();
      const part = min(len, <i32>(this.end - this.at));
      memory.copy(this.at, ptr, part);
      this.at += part;
      ptr += part;
      len -= part;
    }
  }

  appendBytes(value: Bytes): void {
    this.append(value.ptr, value.len);
  }

  appendByte(value: u8): void {
    if (this.at == this.end) this.grow();
    store<u8>(this.at++, value);
  }

  /** Appends `count` bytes to be known later, by `fillGap`. */
  appendGap(count: i32): void {
    if (this.at == this.end) this.grow();
    this.gapSlab = this.last;
    this.gapAt = this.at;
    for (let i = 0; i < count; i++) this.appendByte(0);
  }
  private gapSlab: usize = 0;
  private gapAt: usize = 0;

  /** Fills the last gap, `count` bytes long, with the low bytes of `value`, the lowest first. */
  fillGap(value: u64, count: i32): void {
    let slab = this.gapSlab;
    let at = this.gapAt;
    for (let i = 0; i < count; i++) {
      if (at == slab + HEADER + SLAB_SIZE) {
        slab = load<usize>(slab);
        at = slab + HEADER;
      }
      store<u8>(at++, <u8>value);
      value >>= 8;
    }
  }

  /** Moves all of `other` behind what is here; `other` is empty then. */
  take(other: SlabChain): void {
    for (let slab = other.firstSlab; slab != 0; slab = other.firstSlab) {
      this.append(other.slabData(slab), other.slabLength(slab));
      other.releaseFirst();
    }
  }

  /** First slab, 0 when nothing was written; `nextSlab` walks on. */
  get firstSlab(): usize {
    return this.first;
  }

  slabData(slab: usize): usize {
    return slab + HEADER;
  }

  slabLength(slab: usize): i32 {
    return slab == this.last ? SLAB_SIZE - <i32>(this.end - this.at) : SLAB_SIZE;
  }

  nextSlab(slab: usize): usize {
    return load<usize>(slab);
  }

  /** Returns the first slab to the pool. What is behind it stays. */
  releaseFirst(): void {
    const slab = this.first;
    if (slab == this.last) {
      this.release();
      return;
    }
    this.first = load<usize>(slab);
    this.full -= SLAB_SIZE;
    store<usize>(slab, pool);
    pool = slab;
    slabBytes -= SLAB_SIZE;
  }

  /** Returns all slabs to the pool. */
  release(): void {
    for (let slab = this.first; slab != 0; ) {
      const next = load<usize>(slab);
      store<usize>(slab, pool);
      pool = slab;
      slabBytes -= SLAB_SIZE;
      slab = next;
    }
    this.first = 0;
    this.last = 0;
    this.at = 0;
    this.end = 0;
    this.full = 0;
  }
}
