import type { Batch } from "../store/batch.ts";
import type { Chunk } from "./chunk.ts";

export type Taken = Pick<Batch, "offsets" | "ended" | "tooLong">;

/** Where lines come from. */
export interface Input {
  readonly kind: "file" | "http";
  /** Moves lines into `chunk` until it is full or there are no more. */
  take(chunk: Chunk): Promise<Taken>;
  /** All that was taken is in the store. */
  committed(): Promise<void>;
  /** What was taken since `committed` is not in the store, and has to be taken again. */
  rewind(): Promise<void>;
  /** Bytes that are still to be taken. */
  lag(): Promise<number>;
  close(): Promise<void>;
}
