import { FRAME_HEADER_BYTES, isCompressed, messageLength } from "../../model-protocol/grpc-frame";
import { COMPRESSED, MALFORMED, OVERSIZE, SEVERAL } from "../../model-protocol/model-faults";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes } from "../../sdk/bytes/bytes";
import { ReplyWriter } from "../body/reply-writer";
import { Message } from "./message-json";

const text: ByteBuffer = new ByteBuffer();

/** A small reply, gathered whole before it is written as JSON. */
export class WholeMessage extends ReplyWriter {
  private readonly gathered: ByteBuffer = new ByteBuffer();
  private written: bool = false;
  private maxMessageBytes: i64 = 0;

  constructor(private readonly message: Message) {
    super();
  }

  reset(maxMessageBytes: i64): void {
    this.release();
    this.error = null;
    this.written = false;
    this.maxMessageBytes = maxMessageBytes;
  }

  parse(from: usize, to: usize): usize {
    const gathered = this.gathered;
    gathered.append(from, <i32>(to - from));
    if (gathered.len < FRAME_HEADER_BYTES) return to;
    if (isCompressed(gathered.ptr)) return this.fail(COMPRESSED);
    const length = messageLength(gathered.ptr);
    if (length > this.maxMessageBytes) return this.fail(OVERSIZE);
    const left = length + FRAME_HEADER_BYTES - gathered.len;
    if (left > 0) return to;
    if (left < 0) return this.fail(SEVERAL);
    text.clear();
    if (!this.message.appendJson(text, gathered.ptr + FRAME_HEADER_BYTES, gathered.end)) {
      return this.fail(MALFORMED);
    }
    this.out.append(text.ptr, text.len);
    this.written = true;
    return to;
  }

  private fail(why: Bytes): usize {
    this.error = why;
    return 0;
  }

  get complete(): bool {
    return this.written;
  }

  release(): void {
    this.out.release();
    this.gathered.clear();
  }
}
