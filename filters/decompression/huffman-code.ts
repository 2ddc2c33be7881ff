/** Longest code (RFC 1951, section 3.2.7). */
const LONGEST: i32 = 15;
/** Codes of up to so many bits are found with one look. */
export const QUICK_BITS: i32 = 10;
const QUICK: i32 = 1 << QUICK_BITS;
const MOST_SYMBOLS: i32 = 288;

/** `search`: the bits at hand are the beginning of a code. */
export const SHORT: u32 = 0;
/** `search`: no code begins like this. */
export const NO_CODE: u32 = 0xffff;

const offsets: StaticArray<u16> = new StaticArray<u16>(LONGEST + 1);

/** A canonical Huffman code. An entry is `symbol << 4 | length`; no code has length 0. */
export class HuffmanCode {
  private readonly counts: StaticArray<u16> = new StaticArray<u16>(LONGEST + 1);
  private readonly symbols: StaticArray<u16> = new StaticArray<u16>(MOST_SYMBOLS);
  private readonly quick: StaticArray<u16> = new StaticArray<u16>(QUICK);

  /** Entries by the next `QUICK_BITS` bits; 0 where the code is longer, or none. */
  get table(): usize {
    return changetype<usize>(this.quick);
  }

  /**
   * Makes the code with `count` symbols, whose lengths are at `lengths`.
   * @param mayStandAlone whether one code of one bit will do
   * @returns false when they make none: there are too many codes, or too few
   */
  build(lengths: usize, count: i32, mayStandAlone: bool = true): bool {
    const counts = this.counts;
    memory.fill(changetype<usize>(counts), 0, 2 * (LONGEST + 1));
    for (let i = 0; i < count; i++) counts[load<u8>(lengths + i)]++;
    let left = 1;
    for (let length = 1; length <= LONGEST; length++) {
      left = (left << 1) - <i32>counts[length];
      if (left < 0) return false;
    }
    const used = count - <i32>counts[0];
    const alone = mayStandAlone && used == 1 && counts[1] == 1;
    if (left > 0 && used > 0 && !alone) return false;
    counts[0] = 0;
    offsets[1] = 0;
    for (let length = 1; length < LONGEST; length++) offsets[length + 1] = offsets[length] + counts[length];
    for (let i = 0; i < count; i++) {
      const length = load<u8>(lengths + i);
      if (length != 0) this.symbols[offsets[length]++] = <u16>i;
    }
    this.fillQuick();
    return true;
  }

  private fillQuick(): void {
    memory.fill(this.table, 0, 2 * QUICK);
    let code: u32 = 0;
    let index = 0;
    for (let length = 1; length <= QUICK_BITS; length++) {
      const end = index + <i32>this.counts[length];
      for (; index < end; index++) {
        const entry = <u16>(((<i32>this.symbols[index]) << 4) | length);
        for (let at = <i32>reversed(code, length); at < QUICK; at += 1 << length) this.quick[at] = entry;
        code++;
      }
      code <<= 1;
    }
  }

  /**
   * The entry of the code at the low end of `bits`, of which `count` count, however long; or SHORT, NO_CODE.
   */
  search(bits: u64, count: i32): u32 {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= LONGEST; length++) {
      if (length > count) return SHORT;
      code |= <i32>(bits & 1);
      bits >>= 1;
      const codes = <i32>this.counts[length];
      if (code - codes < first) return ((<u32>this.symbols[index + code - first]) << 4) | length;
      index += codes;
      first = (first + codes) << 1;
      code <<= 1;
    }
    return NO_CODE;
  }
}

/** Codes come with their first bit at the low end. */
function reversed(code: u32, length: i32): u32 {
  let result: u32 = 0;
  for (let bit = 0; bit < length; bit++) {
    result = (result << 1) | (code & 1);
    code >>= 1;
  }
  return result;
}
