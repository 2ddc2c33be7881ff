import { BitReader } from "./bit-reader";
import { HuffmanCode, NO_CODE, SHORT } from "./huffman-code";
import { Progress } from "./progress";

export const END_OF_BLOCK: u32 = 256;
export const DISTANCE_CODES: u32 = 30;
const LITERALS: i32 = 286;

/** Section 3.2.7: the order in which the lengths of the codes for code lengths come. */
const CODE_ORDER = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);
const CODE_LENGTHS: i32 = 19;
const MOST_LENGTHS: i32 = 320;

enum Step {
  Sizes,
  CodeLengths,
  Lengths,
}

/** The Huffman codes of a block of DEFLATE (RFC 1951): fixed ones, or those that its head describes. */
export class BlockCodes {
  readonly literals: HuffmanCode = new HuffmanCode();
  readonly distances: HuffmanCode = new HuffmanCode();
  private step: Step = Step.Sizes;
  private readonly lengths: StaticArray<u8> = new StaticArray<u8>(MOST_LENGTHS);
  private literalCount: i32 = 0;
  private distanceCount: i32 = 0;
  private codeCount: i32 = 0;
  /** Lengths that are known. */
  private known: i32 = 0;

  /** Takes the fixed codes (section 3.2.6). */
  setFixed(): void {
    const lengths = changetype<usize>(this.lengths);
    memory.fill(lengths, 8, 144);
    memory.fill(lengths + 144, 9, 112);
    memory.fill(lengths + 256, 7, 24);
    memory.fill(lengths + 280, 8, 8);
    this.literals.build(lengths, 288);
    memory.fill(lengths, 5, 32);
    this.distances.build(lengths, 32);
  }

  /** Begins with a head that describes them (section 3.2.7). */
  start(): void {
    this.step = Step.Sizes;
  }

  /** Reads on in the head. @returns Done when the codes are known */
  read(input: BitReader): Progress {
    let progress = Progress.Done;
    if (this.step == Step.Sizes) progress = this.sizes(input);
    if (progress == Progress.Done && this.step == Step.CodeLengths) progress = this.codeLengths(input);
    return progress == Progress.Done ? this.readLengths(input) : progress;
  }

  private sizes(input: BitReader): Progress {
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

  private codeLengths(input: BitReader): Progress {
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

  private readLengths(input: BitReader): Progress {
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
    return Progress.Done;
  }
}
