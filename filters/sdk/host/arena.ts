/**
 * Memory for what the host hands over. Each `proxy_get_*` result is allocated by the host through
 * `proxy_on_memory_allocate`; it lands here and stays valid until the next callback, so a request leaves no
 * garbage.
 */

const MINIMUM: usize = 64 * 1024;
/** An arena that grew beyond this is shrunk again at the next callback. */
const LARGEST_KEPT: usize = 1024 * 1024;
/** Parsers may read words past the end of what they got. */
const SLACK: usize = 16;

let base: usize = heap.alloc(MINIMUM);
let capacity: usize = MINIMUM;
let used: usize = 0;
let wanted: usize = MINIMUM;
/** Blocks that did not fit, freed at the next callback; each starts with the address of the one before. */
let overflow: usize = 0;

/** Forgets all that the host handed over so far. Called at the start of each callback from the host. */
export function resetArena(): void {
  used = 0;
  if (overflow != 0) settle();
}

function settle(): void {
  while (overflow != 0) {
    const before = load<usize>(overflow);
    heap.free(overflow);
    overflow = before;
  }
  const size = min(wanted, LARGEST_KEPT);
  if (size > capacity) {
    heap.free(base);
    base = heap.alloc(size);
    capacity = size;
  }
  wanted = capacity;
}

/** `size` bytes, 16-byte aligned, valid until the next callback from the host. */
function arenaAllocate(size: usize): usize {
  const rounded = (size + SLACK + 15) & ~15;
  if (used + rounded <= capacity) {
    const ptr = base + used;
    used += rounded;
    return ptr;
  }
  wanted = max(wanted, used + rounded);
  const block = heap.alloc(rounded + 16);
  store<usize>(block, overflow);
  overflow = block;
  return block + 16;
}

/** Where the host's next allocation goes instead of the arena, and how much fits; 0 for the arena. */
let target: usize = 0;
let targetCapacity: usize = 0;

/** Sends the host's next allocation to `ptr` if it fits in `size` bytes. It is asked for once. */
export function directNextAllocation(ptr: usize, size: usize): void {
  target = ptr;
  targetCapacity = size;
}

/** Serves `proxy_on_memory_allocate`. */
export function allocateForHost(size: usize): usize {
  const to = target;
  target = 0;
  return to != 0 && size <= targetCapacity ? to : arenaAllocate(size);
}

/** Two words for the pointer and the size that a host call returns. */
export const RESULT: usize = memory.data(16);
export function resultPtr(): usize {
  return load<u32>(RESULT);
}
export function resultLen(): i32 {
  return load<i32>(RESULT + 4);
}
