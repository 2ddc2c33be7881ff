import { Datatype, elementSize, parseDatatype } from "../model-protocol/datatype";
import { MessageReader } from "../model-protocol/message-reader";
import { CONTENTS_BYTES, CONTENTS_FP32, CONTENTS_FP64 } from "../model-protocol/open-inference-fields";
import {
  BOOL_VAL,
  DOUBLE_VAL,
  FLOAT_VAL,
  HALF_VAL,
  INT_VAL,
  INT64_VAL,
  STRING_VAL,
  UINT32_VAL,
  UINT64_VAL,
} from "../model-protocol/tensor-proto-fields";
import { LENGTH_DELIMITED, readVarint, varint } from "../sdk/bytes/protobuf";

/** How a protobuf field of elements is encoded. */
enum Encoding {
  Varint,
  Fixed4,
  Fixed8,
  Bytes,
}

const contents: MessageReader = new MessageReader();

/** A tensor that one value stands for is made whole up to this many bytes. */
const LARGEST_FILLED: i64 = 64 * 1024 * 1024;

/**
 * The elements of one tensor that a model gave as a repeated field: numbers, the bits of each in 64, or
 * strings.
 */
export class Elements {
  private readonly numbers: u64[] = [];
  private readonly texts: Uint8Array[] = [];

  /** Reads an `inference.InferTensorContents`. @returns false when it is malformed */
  readContents(from: usize, to: usize): bool {
    for (contents.start(from, to); contents.next(); ) {
      let encoding = Encoding.Varint;
      if (contents.field == CONTENTS_FP32) encoding = Encoding.Fixed4;
      else if (contents.field == CONTENTS_FP64) encoding = Encoding.Fixed8;
      else if (contents.field == CONTENTS_BYTES) encoding = Encoding.Bytes;
      if (!this.readField(encoding, contents)) return false;
    }
    return !contents.malformed;
  }

  /** Reads the field at hand of a `tensorflow.TensorProto`, if it holds elements. */
  readTensorField(fields: MessageReader): bool {
    switch (fields.field) {
      case FLOAT_VAL:
        return this.readField(Encoding.Fixed4, fields);
      case DOUBLE_VAL:
        return this.readField(Encoding.Fixed8, fields);
      case STRING_VAL:
        return this.readField(Encoding.Bytes, fields);
      case INT_VAL:
      case INT64_VAL:
      case BOOL_VAL:
      case HALF_VAL:
      case UINT32_VAL:
      case UINT64_VAL:
        return this.readField(Encoding.Varint, fields);
      default:
        return true;
    }
  }

  /** One element, or packed ones. */
  private readField(encoding: Encoding, fields: MessageReader): bool {
    const content = fields.from;
    const end = fields.to;
    const delimited = fields.wireType == LENGTH_DELIMITED;
    if (encoding == Encoding.Bytes) {
      const text = new Uint8Array(fields.length);
      memory.copy(text.dataStart, content, end - content);
      this.texts.push(text);
      return delimited;
    }
    if (encoding == Encoding.Varint) {
      if (delimited) return readVarints(content, end, this.numbers);
      this.numbers.push(fields.value);
      return true;
    }
    const step: usize = encoding == Encoding.Fixed4 ? 4 : 8;
    if ((end - content) % step != 0) return false;
    for (let at = content; at < end; at += step)
      this.numbers.push(step == 4 ? <u64>load<u32>(at) : load<u64>(at));
    return true;
  }

  /**
   * Raw contents of the elements.
   * @param size how many there should be: the last one is repeated when there are fewer, as TensorFlow has it
   */
  bytes(datatype: string, size: i64): Uint8Array {
    const utf8 = String.UTF8.encode(datatype);
    const type = parseDatatype(changetype<usize>(utf8), utf8.byteLength);
    if (type == Datatype.BYTES) return this.joined();
    const element = elementSize(type);
    const given = this.numbers.length;
    const fill = given > 0 && size > given && size * element <= LARGEST_FILLED;
    const out = new Uint8Array((fill ? <i32>size : given) * element);
    for (let i = 0, to = out.dataStart; i * element < out.length; i++, to += <usize>element) {
      const bits = this.numbers[min(i, given - 1)];
      if (element == 1) store<u8>(to, bits);
      else if (element == 2) store<u16>(to, bits);
      else if (element == 4) store<u32>(to, bits);
      else store<u64>(to, bits);
    }
    return out;
  }

  private joined(): Uint8Array {
    let size = 0;
    for (let i = 0; i < this.texts.length; i++) size += 4 + this.texts[i].length;
    const out = new Uint8Array(size);
    let to = out.dataStart;
    for (let i = 0; i < this.texts.length; i++) {
      const text = this.texts[i];
      store<u32>(to, text.length);
      memory.copy(to + 4, text.dataStart, text.length);
      to += 4 + <usize>text.length;
    }
    return out;
  }
}

/** Appends packed varints. @returns false when they are malformed */
export function readVarints<T>(from: usize, to: usize, out: T[]): bool {
  while (from < to) {
    from = readVarint(from, to);
    if (from == 0) return false;
    out.push(<T>varint);
  }
  return true;
}
