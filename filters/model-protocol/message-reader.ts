import {
  LENGTH_DELIMITED,
  readTag,
  tagField,
  tagLength,
  tagWireType,
  VARINT,
  varint,
} from "../sdk/bytes/protobuf";

/**
 * Reads the fields of a protobuf message that is all there, one after the other. Meant to be reused:
 *
 *     for (fields.start(from, to); fields.next(); ) if (fields.isBytes(NAME)) ...
 *     if (fields.malformed) ...
 */
export class MessageReader {
  /** Number of the field at hand, and how it is encoded. */
  field: i32 = 0;
  wireType: i32 = 0;
  /** Its content: [from, to); of a varint nothing. */
  from: usize = 0;
  to: usize = 0;
  /** Value of a varint. */
  value: u64 = 0;
  /** The message ends within a field, or has what no message has. */
  malformed: bool = false;
  private end: usize = 0;

  start(from: usize, to: usize): void {
    this.to = from;
    this.end = to;
    this.malformed = false;
  }

  /** Goes to the next field. @returns false behind the last one, or where the message is malformed */
  next(): bool {
    const at = this.to;
    if (at >= this.end) return false;
    const content = readTag(at, this.end);
    if (content == 0) {
      this.malformed = true;
      return false;
    }
    this.field = tagField;
    this.wireType = tagWireType;
    this.value = varint;
    this.from = content;
    this.to = content + <usize>tagLength;
    return true;
  }

  /** Is the field at hand this one: a string, bytes, a message, or packed numbers? */
  isBytes(field: i32): bool {
    return this.field == field && this.wireType == LENGTH_DELIMITED;
  }

  isVarint(field: i32): bool {
    return this.field == field && this.wireType == VARINT;
  }

  /** Bytes of the content. */
  get length(): i32 {
    return <i32>(this.to - this.from);
  }
}
