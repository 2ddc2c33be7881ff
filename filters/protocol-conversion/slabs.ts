/**
 * Byte runs of any length in blocks of one size, so that large tensors grow without copying. Blocks return to a pool:
 * the memory of the VM is the most that streams needed at once.
 */

export const SLAB_SIZE: i32 = 64 * 1024;
/** Each slab starts with the address of the next one. */
const HEADER: i32 = 16;

let pool: usize = 0;
/** Bytes of all slabs that streams hold now. */
export let slabBytes: i64 = 0;

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
