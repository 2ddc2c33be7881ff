import { FRAME_HEADER_BYTES, isCompressed, messageLength } from "../../model-protocol/grpc-frame";
import { COMPRESSED, MALFORMED, OVERSIZE, SEVERAL } from "../../model-protocol/model-faults";
import { Bytes } from "../../sdk/bytes/bytes";
import { readTag, tagLength, tagMalformed } from "../../sdk/bytes/protobuf";
import { ReplyWriter } from "../body/reply-writer";

/** Parts that all readers have; a subclass counts its own from 2 on. */
export const FRAME_HEADER: i32 = 0;
export const DONE: i32 = 1;

/** Longest tag with a length: two varints. */
const MAX_TAG: i64 = 20;

/**
 * gRPC frames with a protobuf message each, read as they arrive: this knows frames, tags and fields to skip,
 * the subclass what the fields mean.
 */
export abstract class FrameReader extends ReplyWriter {
  /** What the bytes at hand are. */
  protected part: i32 = FRAME_HEADER;
  protected maxMessageBytes: i64 = 0;
  /** Bytes left of a field that nothing here knows. */
  private skipLeft: i64 = 0;

  protected startFrames(maxMessageBytes: i64): void {
    this.error = null;
    this.part = FRAME_HEADER;
    this.maxMessageBytes = maxMessageBytes;
    this.skipLeft = 0;
  }

  /** A message of `length` bytes follows; sets `part`. */
  protected abstract startMessage(length: i64): void;
  /** Reads on in the part at hand. @returns the first byte not used */
  protected abstract read(part: i32, at: usize, to: usize): usize;

  parse(from: usize, to: usize): usize {
    let at = from;
    while (this.error == null) {
      const before = at;
      const part = this.part;
      if (this.skipLeft > 0) {
        const length = min<i64>(this.skipLeft, <i64>(to - at));
        this.skipLeft -= length;
        at += <usize>length;
      } else if (part == FRAME_HEADER) at = this.frameHeader(at, to);
      else if (part == DONE) this.error = at < to ? SEVERAL : null;
      else at = this.read(part, at, to);
      if (at == before && part == this.part) break;
    }
    return this.error == null ? at : 0;
  }

  private frameHeader(at: usize, to: usize): usize {
    if (<i32>(to - at) < FRAME_HEADER_BYTES) return at;
    if (isCompressed(at)) return this.fail(at, COMPRESSED);
    const length = messageLength(at);
    if (length > this.maxMessageBytes) return this.fail(at, OVERSIZE);
    this.startMessage(length);
    return at + FRAME_HEADER_BYTES;
  }

  protected fail(at: usize, why: Bytes): usize {
    if (this.error == null) this.error = why;
    return at;
  }

  /**
   * Reads a field's tag within `left` bytes.
   * @returns where its content starts, 0 when that is not there yet or wrong
   */
  protected tag(at: usize, to: usize, left: i64): usize {
    const content = readTag(at, to, false);
    if (content == 0) {
      if (tagMalformed || <i64>(to - at) >= min<i64>(left, MAX_TAG)) this.error = MALFORMED;
      return 0;
    }
    if (tagLength > left - <i64>(content - at)) this.error = MALFORMED;
    return this.error == null ? content : 0;
  }

  /**
   * Skips the content of the field whose tag was read last; it may be long.
   * @returns `content`, where it starts
   */
  protected skipField(content: usize): usize {
    this.skipLeft = tagLength;
    return content;
  }
}
