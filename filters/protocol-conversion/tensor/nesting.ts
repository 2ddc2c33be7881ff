/** Most dimensions of a tensor. */
export const MAX_RANK: i32 = 32;

/**
 * Checks nested lists of a tensor as they are read: all of one level are of one length, all scalars at one
 * level.
 */
export class Nesting {
  /** Lists at each level, counted from 0; -1 while none of that level was closed. */
  private readonly lengths: StaticArray<i32> = new StaticArray<i32>(MAX_RANK);
  /** How many levels of lists there are. */
  levels: i32 = 0;
  private hasScalars: bool = false;

  reset(): void {
    this.levels = 0;
    this.hasScalars = false;
  }

  /** A list opens inside of `level` others. @returns false when scalars or other lists say it may not */
  open(level: i32): bool {
    if (level < this.levels) return true;
    if (this.hasScalars || level >= MAX_RANK) return false;
    this.lengths[level] = -1;
    this.levels = level + 1;
    return true;
  }

  /** Scalars stand inside of `level` lists. */
  scalars(level: i32): bool {
    this.hasScalars = true;
    return level == this.levels;
  }

  /** A list of `length` elements closes that had opened inside of `level` others. */
  close(level: i32, length: i32): bool {
    if (this.lengths[level] < 0) this.lengths[level] = length;
    return this.lengths[level] == length;
  }

  /** Length of the lists at `level`. */
  length(level: i32): i32 {
    return this.lengths[level];
  }
}
