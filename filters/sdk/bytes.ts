/**
 * A byte string in memory that nobody frees: literals, configuration. Filters compare and copy bytes and never
 * decode them to UTF-16.
 */
export class Bytes {
  constructor(
    readonly ptr: usize,
    readonly len: i32,
  ) {}

  /** Are these the bytes [ptr, ptr + len)? */
  equals(ptr: usize, len: i32): bool {
    return this.len == len && memory.compare(this.ptr, ptr, len) == 0;
  }
}

/** UTF-8 copy of `text`, kept for good: for literals at start and for configuration. */
export function bytes(text: string): Bytes {
  const len = String.UTF8.byteLength(text);
  const ptr = heap.alloc(len + 1);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, ptr);
  return new Bytes(ptr, len);
}

/** Text of [ptr, ptr + len). Allocates: for configuration and messages, never for a request. */
export function toText(ptr: usize, len: i32): string {
  return String.UTF8.decodeUnsafe(ptr, len);
}

/** FNV-1a hash, 32 bits, continued from `seed` (http://www.isthe.com/chongo/tech/comp/fnv/). */
export function fnv1a(ptr: usize, len: i32, seed: u32 = 0x811c9dc5): u32 {
  let hash = seed;
  for (let i: i32 = 0; i < len; i++) hash = (hash ^ load<u8>(ptr + i)) * 0x01000193;
  return hash;
}

/** Do [ptr, ptr + len) start with `prefix`, ASCII letters compared without case? `prefix` is lower case. */
export function startsWithIgnoreCase(ptr: usize, len: i32, prefix: Bytes): bool {
  if (len < prefix.len) return false;
  for (let i: i32 = 0; i < prefix.len; i++) {
    let c = load<u8>(ptr + i);
    if (c - 0x41 < 26) c |= 0x20;
    if (c != load<u8>(prefix.ptr + i)) return false;
  }
  return true;
}
