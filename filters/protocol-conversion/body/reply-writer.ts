import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes } from "../../sdk/bytes/bytes";
import { SlabChain } from "./slabs";

/** The gRPC frames of a model's reply -> what the caller gets. */
export abstract class ReplyWriter {
  /** Why conversion failed; null while it did not. */
  error: Bytes | null = null;
  /** Of a stream, what the model said was wrong last; empty while it said nothing. */
  readonly streamError: ByteBuffer = new ByteBuffer();
  /** What was converted and not yet handed on. */
  readonly out: SlabChain = new SlabChain();

  /** Converts [from, to) into `out`. @returns the first byte it could not use yet, or 0 on an error. */
  abstract parse(from: usize, to: usize): usize;
  /** Was the whole reply converted? */
  abstract get complete(): bool;
  abstract release(): void;
}
