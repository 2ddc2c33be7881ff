import { CASE_BIT, Char, isDigit, lowerCase } from "./chars";

/**
 * A byte string that never changes: literals, configuration. Filters compare and copy bytes and never decode
 * them to UTF-16. Its memory is collected with it, so that a configuration leaves nothing behind.
 */
export class Bytes {
  constructor(
    private readonly memory: StaticArray<u8>,
    readonly len: i32,
  ) {}

  get ptr(): usize {
    return changetype<usize>(this.memory);
  }

  /** Are these the bytes [ptr, ptr + len)? */
  equals(ptr: usize, len: i32): bool {
    return this.len == len && memory.compare(this.ptr, ptr, len) == 0;
  }
}

/** UTF-8 copy of `text`: for literals at start and for configuration, never for a request. */
export function bytes(text: string): Bytes {
  const len = String.UTF8.byteLength(text);
  const memory = new StaticArray<u8>(len);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, changetype<usize>(memory));
  return new Bytes(memory, len);
}

/** A copy of [ptr, ptr + len): for configuration, never for a request. */
export function copyBytes(ptr: usize, len: i32): Bytes {
  const own = new StaticArray<u8>(len);
  memory.copy(changetype<usize>(own), ptr, len);
  return new Bytes(own, len);
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

/** Do [ptr, ptr + len) start with `prefix`? */
export function startsWith(ptr: usize, len: i32, prefix: Bytes): bool {
  return len >= prefix.len && memory.compare(ptr, prefix.ptr, prefix.len) == 0;
}

/** Do [ptr, ptr + len) start with `prefix`, ASCII letters compared without case? `prefix` is lower case. */
export function startsWithIgnoreCase(ptr: usize, len: i32, prefix: Bytes): bool {
  if (len < prefix.len) return false;
  for (let i: i32 = 0; i < prefix.len; i++) {
    if (lowerCase(load<u8>(ptr + i)) != load<u8>(prefix.ptr + i)) return false;
  }
  return true;
}

/** Value of a hexadecimal digit, -1 for another byte. */
export function hexDigit(c: u8): i32 {
  if (isDigit(c)) return c - Char._0;
  const letter: u8 = (c | CASE_BIT) - Char.a;
  return letter < 6 ? letter + 10 : -1;
}
