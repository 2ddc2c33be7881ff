import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { BitReader } from "./bit-reader";
import { BlockCodes, DISTANCE_CODES, END_OF_BLOCK } from "./block-codes";
import { HuffmanCode, QUICK_BITS, SHORT } from "./huffman-code";
import { Progress } from "./progress";

/** How far back a copy may reach. */
export const WINDOW: i32 = 32_768;
const LONGEST_COPY: i32 = 258;
/** Copies go eight bytes at a time, and so may write beyond their end. */
const ROOM: i32 = LONGEST_COPY + 8;
const GROWTH: i32 = 16_384;

const QUICK_MASK: u64 = (1 << QUICK_BITS) - 1;
const LENGTH_CODES: u32 = 29;

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
enum Step {
  Block,
  StoredLength,
  Stored,
  Head,
  Codes,
  Done,
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
  private readonly blockCodes: BlockCodes = new BlockCodes();
  private readonly literals: HuffmanCode = this.blockCodes.literals;
  private readonly distances: HuffmanCode = this.blockCodes.distances;

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
      case Step.Head:
        return this.head();
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
    if (kind == 0) {
      input.align();
      this.step = Step.StoredLength;
    } else if (kind == 1) {
      this.blockCodes.setFixed();
      this.step = Step.Codes;
    } else {
      this.blockCodes.start();
      this.step = Step.Head;
    }
    return Progress.Done;
  }

  private head(): Progress {
    const progress = this.blockCodes.read(this.input);
    if (progress == Progress.Done) this.step = Step.Codes;
    return progress;
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
