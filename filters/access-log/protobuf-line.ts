import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes } from "../sdk/bytes/bytes";
import { appendField, appendTag, appendVarint, VARINT } from "../sdk/bytes/protobuf";
import { LineWriter } from "./line-writer";
import { Member } from "./member";

/** Number of `Batch.lines`: a batch is lines one after the other. */
const LINES: i32 = 1;
/** Of an entry of the map `phases`. */
const NAME: i32 = 1;
const NANOSECONDS: i32 = 2;

/** A line as a member of `modelgate.accesslog.v1.Batch` (proto/access_log.proto). */
export class ProtobufLine extends LineWriter {
  private readonly message: ByteBuffer = new ByteBuffer();
  private readonly entry: ByteBuffer = new ByteBuffer();
  private phases: i32 = 0;

  free(): void {
    super.free();
    this.message.free();
    this.entry.free();
  }

  begin(): void {
    this.message.clear();
  }

  text(member: Member, ptr: usize, len: i32): void {
    if (len > 0) appendField(this.message, member.field, ptr, min(len, this.limit));
  }

  number(member: Member, value: u64): void {
    appendTag(this.message, member.field, VARINT);
    appendVarint(this.message, value);
  }

  time(member: Member, milliseconds: u64): void {
    this.number(member, milliseconds);
  }

  beginPhases(member: Member): void {
    this.phases = member.field;
  }

  phase(name: Bytes, nanoseconds: u64): void {
    const entry = this.entry;
    entry.clear();
    appendField(entry, NAME, name.ptr, name.len);
    appendTag(entry, NANOSECONDS, VARINT);
    appendVarint(entry, nanoseconds);
    appendField(this.message, this.phases, entry.ptr, entry.len);
  }

  endPhases(): void {}

  end(): void {
    this.out.clear();
    appendField(this.out, LINES, this.message.ptr, this.message.len);
  }
}
