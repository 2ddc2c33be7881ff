import { Datatype } from "../../model-protocol/datatype";
import { isNonFiniteText, nonFiniteValue } from "../../model-protocol/numbers/non-finite-text";
import {
  CONTENT,
  DIM_SIZE,
  DTYPE,
  SHAPE,
  SHAPE_DIM,
  STRING_VAL,
} from "../../model-protocol/tensor-proto-fields";
import { datatypeOf } from "../../model-protocol/tensorflow-datatype";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Char } from "../../sdk/bytes/chars";
import {
  appendField,
  appendTag,
  appendVarint,
  LENGTH_DELIMITED,
  VARINT,
  varintSize,
} from "../../sdk/bytes/protobuf";
import { SlabChain } from "../body/slabs";
import { LongField } from "../protobuf/long-field";
import { appendNonFinite, appendNumberElement } from "../tensor/append-element";
import { Nesting } from "../tensor/nesting";
import { NO_TENSOR, TensorInfo } from "./signature";

const shape: ByteBuffer = new ByteBuffer();
const dim: ByteBuffer = new ByteBuffer();

/** One input of a Predict request on its way to a `tensorflow.TensorProto`. */
export class Input {
  info: TensorInfo = NO_TENSOR;
  datatype: Datatype = Datatype.Unknown;
  /** Little-endian elements, or of strings the fields `string_val` themselves. */
  readonly chain: SlabChain = new SlabChain();
  readonly nesting: Nesting = new Nesting();
  /** Values that came for it: one, or one in each row. */
  values: i32 = 0;
  private readonly text: LongField = new LongField();
  /** `TensorProto` up to its content. */
  readonly head: ByteBuffer = new ByteBuffer();

  reset(info: TensorInfo): void {
    this.info = info;
    this.datatype = datatypeOf(info.dataType);
    this.chain.release();
    this.nesting.reset();
    this.values = 0;
  }

  /**
   * Appends the number that `parseNumber` read.
   * @returns false where the type can't hold it, as all of these
   */
  takeNumber(): bool {
    return appendNumberElement(this.datatype, this.chain);
  }

  /** Appends the NaN or infinity that was read. */
  takeNonFinite(): bool {
    return appendNonFinite(this.datatype, nonFiniteValue, this.chain);
  }

  /** Appends `true`, `false` or `null`, by its first letter. */
  takeLiteral(letter: u8): bool {
    if (this.datatype != Datatype.BOOL || letter == Char.n) return false;
    this.chain.appendByte(<u8>(letter == Char.t));
    return true;
  }

  /** Appends a string, which may be the name of a NaN or an infinity. */
  takeText(ptr: usize, len: i32): bool {
    if (this.datatype != Datatype.BYTES) return isNonFiniteText(ptr, len) && this.takeNonFinite();
    this.startText();
    this.chain.append(ptr, len);
    this.endText();
    return true;
  }

  startText(): void {
    this.text.open(this.chain, STRING_VAL);
  }

  endText(): void {
    this.text.close(this.chain);
  }

  /** Composes `head`; `rows` is -1 unless each value is a row of the tensor. */
  compose(rows: i32): void {
    shape.clear();
    if (rows >= 0) appendDimension(rows);
    for (let i = 0; i < this.nesting.levels; i++) appendDimension(max(this.nesting.length(i), 0));
    const head = this.head;
    head.clear();
    appendTag(head, DTYPE, VARINT);
    appendVarint(head, this.info.dataType);
    appendField(head, SHAPE, shape.ptr, shape.len);
    if (this.datatype == Datatype.BYTES) return;
    appendTag(head, CONTENT, LENGTH_DELIMITED);
    appendVarint(head, this.chain.length);
  }

  get tensorLength(): i64 {
    return <i64>this.head.len + this.chain.length;
  }

  /** Bytes of its entry in the map `inputs`, without the entry's own tag and length. */
  get entryLength(): i64 {
    const name = this.info.name.len;
    const tensor = this.tensorLength;
    return 1 + varintSize(name) + name + 1 + varintSize(tensor) + tensor;
  }
}

function appendDimension(size: i64): void {
  dim.clear();
  appendTag(dim, DIM_SIZE, VARINT);
  appendVarint(dim, size);
  appendField(shape, SHAPE_DIM, dim.ptr, dim.len);
}
