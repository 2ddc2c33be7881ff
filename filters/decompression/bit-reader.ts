/** Bits of chunks, the lowest bit of each byte first. What a chunk ends with waits for the next one. */
export class BitReader {
  /** The next bits, `count` of them; those above are 0. */
  bits: u64 = 0;
  count: i32 = 0;
  /** Where the next byte is, and where the chunk ends. */
  at: usize = 0;
  end: usize = 0;

  /** Begins with another stream. */
  reset(): void {
    this.bits = 0;
    this.count = 0;
    this.at = 0;
    this.end = 0;
  }

  /** Goes on with the chunk [ptr, ptr + len). */
  feed(ptr: usize, len: i32): void {
    this.at = ptr;
    this.end = ptr + len;
  }

  /** Are there `wanted` more bits, at most 56? */
  has(wanted: i32): bool {
    while (this.count < wanted && this.at < this.end) {
      this.bits |= (<u64>load<u8>(this.at++)) << this.count;
      this.count += 8;
    }
    return this.count >= wanted;
  }

  /** Takes `wanted` bits, that are there, at most 32. */
  take(wanted: i32): u32 {
    const value = <u32>(this.bits & (((<u64>1) << wanted) - 1));
    this.bits >>= wanted;
    this.count -= wanted;
    return value;
  }

  /** Skips what is left of a byte. */
  align(): void {
    this.take(this.count & 7);
  }

  /** Nothing is left of the chunk. */
  get isEmpty(): bool {
    return this.count == 0 && this.at == this.end;
  }
}
