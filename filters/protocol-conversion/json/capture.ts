import { CASE_BIT, Char } from "../../sdk/bytes/chars";
import { SLAB_SIZE, SlabChain } from "../body/slabs";
import { isScalarByte } from "./tokens";

/**
 * Keeps the text of a JSON value until it is known what the value means. Only brackets and strings are looked
 * at: the grammar is checked when the text is read again.
 */
export class Capture {
  private readonly chain: SlabChain = new SlabChain();
  /** Offset in the body of the first byte. */
  offset: i64 = 0;
  private depth: i32 = 0;
  private inString: bool = false;
  private escape: bool = false;
  /** Is it a number, true, false or null? */
  private isScalar: bool = false;
  /** Is the value over? */
  done: bool = false;

  begin(offset: i64): void {
    this.chain.release();
    this.offset = offset;
    this.depth = 0;
    this.inString = false;
    this.escape = false;
    this.isScalar = false;
    this.done = false;
  }

  /**
   * Takes bytes up to the end of the value.
   * @returns the first byte that is not the value's, `to` when it goes on
   */
  take(from: usize, to: usize): usize {
    const end = this.scan(from, to);
    this.chain.append(from, <i32>(end - from));
    // A number shows where it ends only by what comes behind it.
    if (this.done) this.chain.appendByte(Char.SPACE);
    return end;
  }

  private scan(at: usize, to: usize): usize {
    while (at < to) {
      if (this.depth == 0 && !this.inString && isScalarByte(load<u8>(at))) {
        this.isScalar = true;
        at++;
        continue;
      }
      if (this.isScalar) return this.finish(at);
      if (at + 16 <= to && !this.escape) {
        const skip = this.inString ? plainText(v128.load(at)) : plainStructure(v128.load(at));
        if (skip > 0) {
          at += skip;
          continue;
        }
      }
      const c = load<u8>(at++);
      if (this.inString) {
        if (this.escape) this.escape = false;
        else if (c == Char.BACKSLASH) this.escape = true;
        else if (c == Char.QUOTE) {
          this.inString = false;
          if (this.depth == 0) return this.finish(at);
        }
      } else if (c == Char.QUOTE) this.inString = true;
      else if (c == Char.OPEN_BRACKET || c == Char.OPEN_BRACE) this.depth++;
      else if ((c == Char.CLOSE_BRACKET || c == Char.CLOSE_BRACE) && --this.depth == 0)
        return this.finish(at);
    }
    return at;
  }

  private finish(at: usize): usize {
    this.done = true;
    return at;
  }

  /** Moves the next piece of the text to `to`, at most a slab. @returns its length, 0 at the end */
  next(to: usize): i32 {
    const slab = this.chain.firstSlab;
    if (slab == 0) return 0;
    const length = this.chain.slabLength(slab);
    memory.copy(to, this.chain.slabData(slab), length);
    this.chain.releaseFirst();
    return length;
  }

  release(): void {
    this.chain.release();
  }
}

/** Most bytes that `Capture.next` moves at once. */
export const CAPTURE_PIECE: i32 = SLAB_SIZE;

/** How many of 16 bytes stand before the first quote or bracket. */
function plainStructure(bytes: v128): usize {
  const folded = v128.or(bytes, i8x16.splat(CASE_BIT));
  const brackets = v128.or(
    i8x16.eq(folded, i8x16.splat(Char.OPEN_BRACE)),
    i8x16.eq(folded, i8x16.splat(Char.CLOSE_BRACE)),
  );
  return countBefore(v128.or(brackets, i8x16.eq(bytes, i8x16.splat(Char.QUOTE))));
}

/** How many of 16 bytes stand before the first quote or backslash. */
function plainText(bytes: v128): usize {
  return countBefore(
    v128.or(i8x16.eq(bytes, i8x16.splat(Char.QUOTE)), i8x16.eq(bytes, i8x16.splat(Char.BACKSLASH))),
  );
}

function countBefore(marks: v128): usize {
  return ctz<i32>(i8x16.bitmask(marks) | 0x10000);
}
