import { Datatype, elementSize } from "../../model-protocol/datatype";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";
import { SlabChain } from "../body/slabs";
import { MAX_RANK } from "../tensor/nesting";
import { writeElements } from "../tensor/write-elements";
import { appendBase64 } from "./base64";
import { writeServingFloats } from "./number-text";

const text: ByteBuffer = new ByteBuffer();
const json: ByteBuffer = new ByteBuffer();
const element: usize = memory.data(8);

/** One output of a Predict reply: its elements are kept until it is known what stands beside it. */
export class Output {
  readonly name: ByteBuffer = new ByteBuffer();
  datatype: Datatype = Datatype.Unknown;
  readonly chain: SlabChain = new SlabChain();
  readonly shape: StaticArray<i64> = new StaticArray<i64>(MAX_RANK);
  rank: i32 = 0;
  private slab: usize = 0;
  private at: usize = 0;
  private end: usize = 0;

  reset(): void {
    this.name.clear();
    this.datatype = Datatype.Unknown;
    this.chain.release();
    this.rank = 0;
  }

  /** Elements that the shape says; infinite for a dimension below 0. */
  get product(): f64 {
    let product: f64 = 1;
    for (let i = 0; i < this.rank; i++) product *= this.shape[i] < 0 ? Infinity : <f64>this.shape[i];
    return product;
  }

  /** Empty lists that a shape without elements stands for, 0 of one with elements. */
  get lists(): f64 {
    let lists: f64 = 1;
    for (let i = 0; i < this.rank; i++) {
      if (this.shape[i] <= 0) return lists;
      lists *= <f64>this.shape[i];
    }
    return 0;
  }

  /** Goes back to the first element. */
  rewind(): void {
    this.enter(this.chain.firstSlab);
  }

  private enter(slab: usize): void {
    this.slab = slab;
    this.at = slab == 0 ? 0 : this.chain.slabData(slab);
    this.end = slab == 0 ? 0 : this.at + this.chain.slabLength(slab);
  }

  /** Writes the next value of the dimensions from `level` on as nested lists. */
  write(level: i32, out: SlabChain): void {
    if (level >= this.rank - 1) {
      const list = level < this.rank;
      if (list) out.appendByte(Char.OPEN_BRACKET);
      this.writeRun(list ? this.shape[level] : 1, out);
      if (list) out.appendByte(Char.CLOSE_BRACKET);
      return;
    }
    out.appendByte(Char.OPEN_BRACKET);
    for (let i: i64 = 0; i < this.shape[level]; i++) {
      if (i > 0) out.appendByte(Char.COMMA);
      this.write(level + 1, out);
    }
    out.appendByte(Char.CLOSE_BRACKET);
  }

  private writeRun(count: i64, out: SlabChain): void {
    if (this.datatype == Datatype.BYTES) {
      for (let i: i64 = 0; i < count; i++) {
        if (i > 0) out.appendByte(Char.COMMA);
        this.writeText(out);
      }
      return;
    }
    const size = elementSize(this.datatype);
    const floats = this.datatype == Datatype.FP32 || this.datatype == Datatype.FP64;
    let first = true;
    while (count > 0) {
      if (this.at == this.end) this.enter(this.chain.nextSlab(this.slab));
      const here = min<i64>(count, <i64>(this.end - this.at) / size);
      const to = this.at + <usize>here * size;
      if (floats) writeServingFloats(this.datatype, this.at, to, first, out);
      else writeElements(this.datatype, this.at, to, first, out);
      first = false;
      this.at = to;
      count -= here;
    }
  }

  private read(to: usize, length: i32): void {
    while (length > 0) {
      if (this.at == this.end) this.enter(this.chain.nextSlab(this.slab));
      const here = min<i32>(length, <i32>(this.end - this.at));
      memory.copy(to, this.at, here);
      this.at += here;
      to += here;
      length -= here;
    }
  }

  /**
   * A string; base64 in an object where the name of the output ends in `_bytes`, as TensorFlow Serving does.
   */
  private writeText(out: SlabChain): void {
    this.read(element, 4);
    const length = load<i32>(element);
    text.clear();
    text.reserve(length);
    this.read(text.ptr, length);
    text.len = length;
    json.clear();
    if (this.isBytes) {
      json.appendBytes(B64_OPEN);
      appendBase64(json, text.ptr, text.end);
      json.appendBytes(B64_CLOSE);
    } else appendJsonString(json, text.ptr, text.len, i32.MAX_VALUE);
    out.append(json.ptr, json.len);
  }

  private get isBytes(): bool {
    const name = this.name;
    return name.len >= BYTES_SUFFIX.len && BYTES_SUFFIX.equals(name.end - BYTES_SUFFIX.len, BYTES_SUFFIX.len);
  }
}

const BYTES_SUFFIX = bytes("_bytes");
const B64_OPEN = bytes('{"b64":"');
const B64_CLOSE = bytes('"}');
