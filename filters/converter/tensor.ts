import { Datatype, elementSize, parseDatatype } from "../model-protocol/datatype";
import { halfToFloat } from "../model-protocol/numbers/half";
import { setFault } from "./fault";

/**
 * A named tensor: its elements are the little-endian bytes of the Open Inference Protocol's raw contents, row
 * by row; those of BYTES have a length of four bytes each before them.
 */
export class Tensor {
  constructor(
    readonly name: string,
    /** A data type of the Open Inference Protocol, such as FP32; TensorFlow's types are named alike here. */
    readonly datatype: string,
    readonly shape: i64[],
    readonly raw: Uint8Array,
  ) {}

  static floats(name: string, values: Float32Array, shape: i64[] = [values.length]): Tensor {
    return new Tensor(name, "FP32", shape, bytesOf(values.dataStart, values.byteLength));
  }

  static doubles(name: string, values: Float64Array, shape: i64[] = [values.length]): Tensor {
    return new Tensor(name, "FP64", shape, bytesOf(values.dataStart, values.byteLength));
  }

  static integers(name: string, values: Int64Array, shape: i64[] = [values.length]): Tensor {
    return new Tensor(name, "INT64", shape, bytesOf(values.dataStart, values.byteLength));
  }

  static int32s(name: string, values: Int32Array, shape: i64[] = [values.length]): Tensor {
    return new Tensor(name, "INT32", shape, bytesOf(values.dataStart, values.byteLength));
  }

  static texts(name: string, values: string[], shape: i64[] = [values.length]): Tensor {
    let size = 0;
    for (let i = 0; i < values.length; i++) size += 4 + String.UTF8.byteLength(values[i]);
    const raw = new Uint8Array(size);
    let at = raw.dataStart;
    for (let i = 0; i < values.length; i++) {
      const length = String.UTF8.byteLength(values[i]);
      store<u32>(at, length);
      at += 4;
      String.UTF8.encodeUnsafe(changetype<usize>(values[i]), values[i].length, at);
      at += <usize>length;
    }
    return new Tensor(name, "BYTES", shape, raw);
  }

  get type(): Datatype {
    const utf8 = String.UTF8.encode(this.datatype);
    return parseDatatype(changetype<usize>(utf8), utf8.byteLength);
  }

  /** The number of elements that the shape says; -1 for a shape that no tensor has. */
  get size(): i64 {
    let size: i64 = 1;
    for (let i = 0; i < this.shape.length; i++) {
      if (this.shape[i] < 0) return -1;
      if (this.shape[i] > 0 && size > LARGEST_SIZE / this.shape[i]) return -1;
      size *= this.shape[i];
    }
    return size;
  }

  /** Elements of any number type as float32; of a tensor of BYTES none, and a fault. */
  toFloats(): Float32Array {
    const count = this.numberCount();
    const out = new Float32Array(count);
    if (this.type == Datatype.FP32) memory.copy(out.dataStart, this.raw.dataStart, count << 2);
    else for (let i = 0; i < count; i++) out[i] = <f32>this.elementAt(i);
    return out;
  }

  /** As `toFloats`, float64. */
  toDoubles(): Float64Array {
    const out = new Float64Array(this.numberCount());
    for (let i = 0; i < out.length; i++) out[i] = this.elementAt(i);
    return out;
  }

  /** As `toFloats`, integers: fractions are cut off. */
  toIntegers(): Int64Array {
    const out = new Int64Array(this.numberCount());
    const type = this.type;
    if (type == Datatype.INT64 || type == Datatype.UINT64)
      memory.copy(out.dataStart, this.raw.dataStart, out.byteLength);
    else for (let i = 0; i < out.length; i++) out[i] = <i64>this.elementAt(i);
    return out;
  }

  /** Elements of BYTES as UTF-8 text. */
  toTexts(): string[] {
    const texts: string[] = [];
    if (this.type != Datatype.BYTES) {
      setFault(`tensor ${this.name} has ${this.datatype} and no BYTES`);
      return texts;
    }
    const end = this.raw.dataStart + this.raw.length;
    for (let at = this.raw.dataStart; at + 4 <= end; ) {
      const length = load<u32>(at);
      if (<usize>length > end - at - 4) break;
      texts.push(String.UTF8.decodeUnsafe(at + 4, length));
      at += 4 + <usize>length;
    }
    return texts;
  }

  private numberCount(): i32 {
    const size = elementSize(this.type);
    if (size == 0) setFault(`tensor ${this.name} has ${this.datatype} and no numbers`);
    return size == 0 ? 0 : this.raw.length / size;
  }

  private elementAt(index: i32): f64 {
    const type = this.type;
    const at = this.raw.dataStart + <usize>index * <usize>elementSize(type);
    if (type == Datatype.FP32) return load<f32>(at);
    if (type == Datatype.FP64) return load<f64>(at);
    if (type == Datatype.INT64) return <f64>load<i64>(at);
    if (type == Datatype.UINT64) return <f64>load<u64>(at);
    if (type == Datatype.INT32) return load<i32>(at);
    if (type == Datatype.UINT32) return load<u32>(at);
    if (type == Datatype.INT16) return load<i16>(at);
    if (type == Datatype.UINT16) return load<u16>(at);
    if (type == Datatype.INT8) return load<i8>(at);
    if (type == Datatype.BF16) return reinterpret<f32>((<u32>load<u16>(at)) << 16);
    return type == Datatype.FP16 ? halfToFloat(load<u16>(at)) : load<u8>(at);
  }
}

const LARGEST_SIZE: i64 = i32.MAX_VALUE;

function bytesOf(ptr: usize, len: i32): Uint8Array {
  const copy = new Uint8Array(len);
  memory.copy(copy.dataStart, ptr, len);
  return copy;
}
