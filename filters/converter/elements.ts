import { Datatype, elementSize, parseDatatype } from "../model-protocol/datatype";
import {
  LENGTH_DELIMITED,
  readTag,
  readVarint,
  tagField,
  tagLength,
  tagWireType,
  varint,
} from "../sdk/bytes/protobuf";

/** How a protobuf field of elements is encoded. */
enum Encoding {
  Varint,
  Fixed4,
  Fixed8,
  Bytes,
}

/** A tensor that one value stands for is made whole up to this many bytes. */
const LARGEST_FILLED: i64 = 64 * 1024 * 1024;

/** The elements of one tensor that a model gave as a repeated field: numbers, the bits of each in 64, or strings. */
export class Elements {
  private readonly numbers: u64[] = [];
  private readonly texts: Uint8Array[] = [];

  /** Reads an `inference.InferTensorContents`. @returns false when it is malformed */
  readContents(from: usize, to: usize): bool {
    for (let at = from; at < to; ) {
      const content = readTag(at, to);
      if (content == 0) return false;
      at = content + <usize>tagLength;
      let encoding = Encoding.Varint;
      if (tagField == 6) encoding = Encoding.Fixed4;
      else if (tagField == 7) encoding = Encoding.Fixed8;
      else if (tagField == 8) encoding = Encoding.Bytes;
      if (!this.readField(encoding, content, at)) return false;
    }
    return true;
  }

  /** Reads the field of a `tensorflow.TensorProto` whose tag was read last, if it holds elements. */
  readTensorField(content: usize, end: usize): bool {
    if (tagField == 5) return this.readField(Encoding.Fixed4, content, end);
    if (tagField == 6) return this.readField(Encoding.Fixed8, content, end);
    if (tagField == 8) return this.readField(Encoding.Bytes, content, end);
    const varints = tagField == 7 || tagField == 10 || tagField == 11 || tagField == 13;
    if (varints || tagField == 16 || tagField == 17) return this.readField(Encoding.Varint, content, end);
    return true;
  }

  /** One element, or packed ones. */
  private readField(encoding: Encoding, content: usize, end: usize): bool {
    if (encoding == Encoding.Bytes) {
      const text = new Uint8Array(<i32>(end - content));
      memory.copy(text.dataStart, content, end - content);
      this.texts.push(text);
      return tagWireType == LENGTH_DELIMITED;
    }
    if (encoding == Encoding.Varint) {
      if (tagWireType == LENGTH_DELIMITED) return readVarints(content, end, this.numbers);
      this.numbers.push(varint);
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
