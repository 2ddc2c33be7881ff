import type { Rejected, RejectReason } from "./rejects.ts";

/** How far a source is read. */
export interface Offset {
  /** What names the file whatever its path: device and inode; for spooled batches the segment. */
  source: string;
  path: string;
  /** Bytes. */
  position: number;
  /** How many first bytes `head` is of. */
  headBytes: number;
  /** SHA-256 of them: another file that got the same inode has another. */
  head: string;
}

/** Whole lines that are committed together with how far their sources are read then. */
export interface Batch {
  /** The file that the lines stand in. */
  path: string;
  offsets: Offset[];
  /** Sources that end with this batch. */
  ended: string[];
  /** Lines that were too long to be read; they aren't in the file. */
  tooLong: number;
}

/** What became of lines. */
export interface Counts {
  /** Kept. */
  accepted: number;
  /** No log lines, and not to be mended. */
  rejected: number;
  duplicates: number;
}

export interface Committed extends Counts {
  /** Rejected lines by reason. */
  reasons: Map<RejectReason, number>;
  /** Some of the rejected lines. */
  samples: Rejected[];
  /** When the newest request began, in milliseconds since the epoch; 0 when no line was kept. */
  newestTime: number;
}
