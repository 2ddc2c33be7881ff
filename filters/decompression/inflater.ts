import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { BitReader } from "./bit-reader";
import { HuffmanCode, NO_CODE, QUICK_BITS, SHORT } from "./huffman-code";

/** How far back a copy may reach. */
export const WINDOW: i32 = 32_768;
const LONGEST_COPY: i32 = 258;
/** Copies go eight bytes at a time, and so may write beyond their end. */
const ROOM: i32 = LONGEST_COPY + 8;
const GROWTH: i32 = 16_384;

const QUICK_MASK: u64 = (1 << QUICK_BITS) - 1;
const END_OF_BLOCK: u32 = 256;
const LENGTH_CODES: u32 = 29;
const DISTANCE_CODES: u32 = 30;
const LITERALS: i32 = 286;

/** RFC 1951, section 3.2.5: least length of each code, and how many bits say more. */
const LENGTH_BASE = memory.data<u16>([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
]);
const LENGTH_EXTRA = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]);
const DISTANCE_BASE = memory.data<u16>([
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
]);
const DISTANCE_EXTRA = memory.data<u8>([
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]);
/** Section 3.2.7: the order in which the lengths of the codes for code lengths come. */
const CODE_ORDER = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);
const CODE_LENGTHS: i32 = 19;
const MOST_LENGTHS: i32 = 320;

enum Step {
  Block,
  StoredLength,
  Stored,
  Sizes,
  CodeLengths,
  Lengths,
  Codes,
  Done,
}

export enum Progress {
  /** The chunk is used up. */
  NeedsMore,
  Done,
  Malformed,
  /** More came out than `mostLength` allows. */
  TooLarge,
}

/** DEFLATE (RFC 1951), as its bytes come. */
export class Inflater {
  readonly input: BitReader = new BitReader();
  /** What came out last, for copies, and what comes out behind it. */
  readonly out: ByteBuffer = new ByteBuffer();
  /** Where in `out` that begins which copies may reach. */
  base: i32 = 0;
  /** How long `out` may become. */
  mostLength: i32 = 0;

  private step: Step = Step.Block;
  private last: bool = false;
  /** Bytes of a stored block that are still to come. */
  private left: i32 = 0;
  private readonly literals: HuffmanCode = new HuffmanCode();
  private readonly distances: HuffmanCode = new HuffmanCode();
  private readonly lengths: StaticArray<u8> = new StaticArray<u8>(MOST_LENGTHS);
  private literalCount: i32 = 0;
  private distanceCount: i32 = 0;
  private codeCount: i32 = 0;
  /** Lengths that are known. */
  private known: i32 = 0;

  /** Begins with another deflated text, behind what is in `out` already. */
  start(): void {
    this.step = Step.Block;
    this.last = false;
    this.base = this.out.len;
    this.out.reserve(GROWTH);
  }

  /** Goes on as far as `input` reaches. */
  run(): Progress {
    let progress = Progress.Done;
    while (this.step != Step.Done && progress == Progress.Done) progress = this.go();
    return progress;
  }

  /** @returns Done when the step is over */
  private go(): Progress {
    switch (this.step) {
      case Step.Block:
        return this.block();
      case Step.StoredLength:
        return this.storedLength();
      case Step.Stored:
        return this.stored();
      case Step.Sizes:
        return this.sizes();
      case Step.CodeLengths:
        return this.codeLengths();
      case Step.Lengths:
        return this.readLengths();
      default:
        return this.codes();
    }
  }

  private block(): Progress {
    const input = this.input;
    if (!input.has(3)) return Progress.NeedsMore;
    this.last = input.take(1) == 1;
    const kind = input.take(2);
    if (kind == 3) return Progress.Malformed;
    if (kind == 1) return this.fixed();
    if (kind == 0) input.align();
    this.step = kind == 0 ? Step.StoredLength : Step.Sizes;
    return Progress.Done;
  }

  private endBlock(): void {
    this.step = this.last ? Step.Done : Step.Block;
  }

  private storedLength(): Progress {
    const input = this.input;
    if (!input.has(32)) return Progress.NeedsMore;
    const length = input.take(16);
    if (length != (~input.take(16) & 0xffff)) return Progress.Malformed;
    this.left = <i32>length;
    this.step = Step.Stored;
    return Progress.Done;
  }

  private stored(): Progress {
    const input = this.input;
    const out = this.out;
    while (this.left > 0 && input.count > 0) {
      out.appendByte(<u8>input.take(8));
      this.left--;
    }
    const length = min(this.left, <i32>(input.end - input.at));
    out.append(input.at, length);
    input.at += length;
    this.left -= length;
    if (out.len > this.mostLength) return Progress.TooLarge;
    if (this.left > 0) return Progress.NeedsMore;
    this.endBlock();
    return Progress.Done;
  }

  /** Section 3.2.6. */
  private fixed(): Progress {
    const lengths = changetype<usize>(this.lengths);
    memory.fill(lengths, 8, 144);
    memory.fill(lengths + 144, 9, 112);
    memory.fill(lengths + 256, 7, 24);
    memory.fill(lengths + 280, 8, 8);
    this.literals.build(lengths, 288);
    memory.fill(lengths, 5, 32);
    this.distances.build(lengths, 32);
    this.step = Step.Codes;
    return Progress.Done;
  }

  private sizes(): Progress {
    const input = this.input;
    if (!input.has(14)) return Progress.NeedsMore;
    this.literalCount = <i32>input.take(5) + 257;
    this.distanceCount = <i32>input.take(5) + 1;
    this.codeCount = <i32>input.take(4) + 4;
    if (this.literalCount > LITERALS || this.distanceCount > <i32>DISTANCE_CODES) return Progress.Malformed;
    memory.fill(changetype<usize>(this.lengths), 0, CODE_LENGTHS);
    this.known = 0;
    this.step = Step.CodeLengths;
    return Progress.Done;
  }

  private codeLengths(): Progress {
    const input = this.input;
    const lengths = changetype<usize>(this.lengths);
    for (; this.known < this.codeCount; this.known++) {
      if (!input.has(3)) return Progress.NeedsMore;
      store<u8>(lengths + load<u8>(CODE_ORDER + this.known), <u8>input.take(3));
    }
    if (!this.literals.build(lengths, CODE_LENGTHS, false)) return Progress.Malformed;
    this.known = 0;
    this.step = Step.Lengths;
    return Progress.Done;
  }

  private readLengths(): Progress {
    const input = this.input;
    const lengths = changetype<usize>(this.lengths);
    const all = this.literalCount + this.distanceCount;
    while (this.known < all) {
      input.has(14);
      const entry = this.literals.search(input.bits, input.count);
      if (entry == SHORT) return Progress.NeedsMore;
      if (entry == NO_CODE) return Progress.Malformed;
      const symbol = entry >> 4;
      const codeBits = <i32>entry & 15;
      if (symbol < 16) {
        input.take(codeBits);
        store<u8>(lengths + this.known++, <u8>symbol);
        continue;
      }
      const extra = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
      if (input.count < codeBits + extra) return Progress.NeedsMore;
      input.take(codeBits);
      const times = <i32>input.take(extra) + (symbol == 18 ? 11 : 3);
      if (this.known + times > all || (symbol == 16 && this.known == 0)) return Progress.Malformed;
      const value = symbol == 16 ? load<u8>(lengths + this.known - 1) : 0;
      memory.fill(lengths + this.known, value, times);
      this.known += times;
    }
    if (load<u8>(lengths + END_OF_BLOCK) == 0) return Progress.Malformed;
    if (!this.literals.build(lengths, this.literalCount)) return Progress.Malformed;
    if (!this.distances.build(lengths + this.literalCount, this.distanceCount)) return Progress.Malformed;
    this.step = Step.Codes;
    return Progress.Done;
  }

  /**
   * Literals and copies up to the end of the block. Where the chunk ends within one, it waits for the next
   * chunk from its first bit.
   */
  private codes(): Progress {
    const input = this.input;
    const out = this.out;
    const literals = this.literals.table;
    const distances = this.distances.table;
    const end = input.end;
    let at = input.at;
    let bits = input.bits;
    let count = input.count;
    let to = out.end;
    let roomEnd = out.ptr + out.allocated - ROOM;
    let progress = Progress.NeedsMore;
    while (true) {
      if (to > roomEnd) {
        progress = this.makeRoom(to);
        if (progress == Progress.TooLarge) break;
        to = out.end;
        roomEnd = out.ptr + out.allocated - ROOM;
      }
      while (count <= 56 && at < end) {
        bits |= (<u64>load<u8>(at++)) << count;
        count += 8;
      }
      let entry: u32 = load<u16>(literals + ((<usize>(bits & QUICK_MASK)) << 1));
      if (entry == 0) entry = this.literals.search(bits, count);
      let used = <i32>entry & 15;
      if (entry == SHORT || used > count) break;
      let symbol = entry >> 4;
      if (symbol <= END_OF_BLOCK) {
        bits >>= used;
        count -= used;
        if (symbol < END_OF_BLOCK) {
          store<u8>(to++, <u8>symbol);
          continue;
        }
        this.endBlock();
        progress = Progress.Done;
        break;
      }
      symbol -= END_OF_BLOCK + 1;
      if (symbol >= LENGTH_CODES) {
        progress = Progress.Malformed;
        break;
      }
      let rest = bits >> used;
      let extra = <i32>load<u8>(LENGTH_EXTRA + symbol);
      const length: usize =
        load<u16>(LENGTH_BASE + ((<usize>symbol) << 1)) + <usize>(rest & ((1 << extra) - 1));
      used += extra;
      rest >>= extra;
      entry = load<u16>(distances + ((<usize>(rest & QUICK_MASK)) << 1));
      if (entry == 0) entry = this.distances.search(rest, count - used);
      used += <i32>entry & 15;
      if (entry == SHORT || used > count) break;
      symbol = entry >> 4;
      if (symbol >= DISTANCE_CODES) {
        progress = Progress.Malformed;
        break;
      }
      rest >>= entry & 15;
      extra = <i32>load<u8>(DISTANCE_EXTRA + symbol);
      const distance: usize =
        load<u16>(DISTANCE_BASE + ((<usize>symbol) << 1)) + <usize>(rest & ((1 << extra) - 1));
      used += extra;
      if (used > count) break;
      if (distance > to - out.ptr - this.base) {
        progress = Progress.Malformed;
        break;
      }
      bits >>= used;
      count -= used;
      copyBack(to, distance, length);
      to += length;
    }
    input.at = at;
    input.bits = bits;
    input.count = count;
    out.len = <i32>(to - out.ptr);
    return progress;
  }

  private makeRoom(to: usize): Progress {
    const out = this.out;
    out.len = <i32>(to - out.ptr);
    if (out.len > this.mostLength) return Progress.TooLarge;
    out.reserve(GROWTH);
    return Progress.NeedsMore;
  }
}

/** Copies `length` bytes from `distance` before `to`; the two may overlap, and then repeat. */
function copyBack(to: usize, distance: usize, length: usize): void {
  const from = to - distance;
  if (distance >= 8) {
    for (let i: usize = 0; i < length; i += 8) store<u64>(to + i, load<u64>(from + i));
  } else {
    for (let i: usize = 0; i < length; i++) store<u8>(to + i, load<u8>(from + i));
  }
}
