import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes } from "../../sdk/bytes/bytes";
import { PieceSink } from "./piece-sink";

/** The body of a request, as it arrives -> one gRPC frame. */
export abstract class RequestReader {
  /** Why reading failed; null while it did not. */
  error: Bytes | null = null;
  /** Where it failed, counted from the start of the body; below 0 when that is not known. */
  errorOffset: i64 = 0;

  /** Is the body JSON? Else it is a raw tensor. */
  get isJson(): bool {
    return true;
  }

  /**
   * Reads [from, to). @returns the first byte it could not use yet because something may go on in the next
   * piece, or 0 on an error. Up to 16 bytes behind `to` must be readable.
   */
  abstract parse(from: usize, to: usize): usize;
  /**
   * The body is over and all of it was consumed.
   * @returns false when the request is not complete; `error` says why
   */
  abstract finish(): bool;
  /** Hands the frame to `sink`, after `finish`. */
  abstract write(sink: PieceSink): void;
  /** Gives back the memory of the request. */
  abstract release(): void;
  /** Appends where in the body it is, such as `inputs[1].data[3]`. */
  abstract appendPath(out: ByteBuffer): void;

  protected fail(why: Bytes): void {
    if (this.error == null) this.error = why;
  }

  /** Fails if something is wrong. */
  protected check(why: Bytes | null): void {
    if (why != null) this.fail(why);
  }
}
