import { Datatype, elementSize } from "../../model-protocol/datatype";
import { MALFORMED, ORDER, OVERSIZE, UNKNOWN_DATATYPE, WRONG_SIZE } from "../../model-protocol/model-faults";
import { ENTRY_KEY, ENTRY_VALUE } from "../../model-protocol/open-inference-fields";
import { CONTENT, DTYPE, PREDICT_OUTPUTS, SHAPE, STRING_VAL } from "../../model-protocol/tensor-proto-fields";
import { datatypeOf } from "../../model-protocol/tensorflow-datatype";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";
import {
  LENGTH_DELIMITED,
  readVarint,
  tagField,
  tagLength,
  tagWireType,
  VARINT,
  varint,
} from "../../sdk/bytes/protobuf";
import { DONE, FrameReader } from "../protobuf/frame-reader";
import { ElementStream, Encoding } from "../tensor/element-stream";
import { Output } from "./output";
import { encodingOf, holdsElements, readShape } from "./tensor-proto";

/**
 * One gRPC frame with a `tensorflow.serving.PredictResponse` -> `{"predictions": ...}` for rows, `{"outputs":
 * ...}` for columns. How the JSON looks depends on how many outputs there are, so their elements are kept
 * until the last one.
 */

enum Part {
  Message = 2,
  Entry,
  Tensor,
  Run,
}

const PREDICTIONS = bytes('{"predictions":');
const COLUMNS = bytes('{"outputs":');
const NOT_ROWS = bytes("the model sent outputs of different batch sizes; ask for columns with inputs");

export class PredictResponse extends FrameReader {
  private rows: bool = false;
  private messageLeft: i64 = 0;
  private entryLeft: i64 = 0;
  private tensorLeft: i64 = 0;
  private readonly outputs: Output[] = [];
  private count: i32 = 0;
  private readonly stream: ElementStream = new ElementStream();
  private started: bool = false;
  /**
   * Bytes that elements which stand for many may still fill, and empty lists that may still be written, in
   * all outputs.
   */
  private fillLeft: f64 = 0;
  private listsLeft: f64 = 0;

  reset(rows: bool, maxMessageBytes: i64): void {
    this.release();
    this.startFrames(maxMessageBytes);
    this.rows = rows;
    this.count = 0;
  }

  release(): void {
    this.out.release();
    for (let i = 0; i < this.outputs.length; i++) this.outputs[i].chain.release();
  }

  get complete(): bool {
    return this.part == DONE;
  }

  private get output(): Output {
    return this.outputs[this.count - 1];
  }

  protected startMessage(length: i64): void {
    this.messageLeft = length;
    this.fillLeft = <f64>(this.maxMessageBytes - length);
    this.listsLeft = MAX_LISTS;
    this.part = Part.Message;
  }

  protected read(part: i32, at: usize, to: usize): usize {
    if (part == Part.Run) return this.run(at, to);
    if (part == Part.Message) return this.messageField(at, to);
    return part == Part.Entry ? this.entryField(at, to) : this.tensorField(at, to);
  }

  private messageField(at: usize, to: usize): usize {
    if (this.messageLeft == 0) {
      this.writeJson();
      this.part = DONE;
      return at;
    }
    const content = this.tag(at, to, this.messageLeft);
    if (content == 0) return at;
    this.messageLeft -= <i64>(content - at) + tagLength;
    if (tagField != PREDICT_OUTPUTS || tagWireType != LENGTH_DELIMITED) return this.skipField(content);
    if (this.count == this.outputs.length) this.outputs.push(new Output());
    this.outputs[this.count++].reset();
    this.started = false;
    this.entryLeft = tagLength;
    this.part = Part.Entry;
    return content;
  }

  private entryField(at: usize, to: usize): usize {
    if (this.entryLeft == 0) {
      this.part = Part.Message;
      return at;
    }
    const content = this.tag(at, to, this.entryLeft);
    if (content == 0) return at;
    const whole = <i64>(content - at) + tagLength;
    if (tagField == ENTRY_VALUE && tagWireType == LENGTH_DELIMITED) {
      if (this.output.datatype != Datatype.Unknown) return this.fail(at, ORDER);
      this.entryLeft -= whole;
      this.tensorLeft = tagLength;
      this.part = Part.Tensor;
      return content;
    }
    const end = content + <usize>tagLength;
    if (end > to) return at;
    this.entryLeft -= whole;
    if (tagField == ENTRY_KEY && tagWireType == LENGTH_DELIMITED) {
      this.output.name.clear();
      this.output.name.append(content, <i32>tagLength);
    }
    return end;
  }

  private tensorField(at: usize, to: usize): usize {
    if (this.tensorLeft == 0) {
      this.endTensor();
      this.part = Part.Entry;
      return at;
    }
    let content = this.tag(at, to, this.tensorLeft);
    if (content == 0) return at;
    const output = this.output;
    const whole = <i64>(content - at) + tagLength;
    const empty = tagWireType == LENGTH_DELIMITED && tagLength == 0 && tagField != STRING_VAL;
    if (tagField >= CONTENT && !empty) {
      const encoding = encodingOf(tagField);
      if (!holdsElements(tagField, output.datatype)) return this.fail(at, MALFORMED);
      if (!this.started) this.stream.begin(output.datatype, false, output.chain);
      this.started = true;
      let length = tagLength;
      if (tagWireType == VARINT) {
        if (encoding != Encoding.Varints) return this.fail(at, MALFORMED);
        const start = readVarint(at, to);
        length = <i64>(content - start);
        content = start;
      }
      this.tensorLeft -= <i64>(content - at) + length;
      this.stream.beginRun(encoding, length);
      this.part = Part.Run;
      return content;
    }
    const end = content + <usize>tagLength;
    if (end > to) return at;
    this.tensorLeft -= whole;
    if (tagField == DTYPE && tagWireType == VARINT) {
      if (this.started) return this.fail(at, ORDER);
      output.datatype = datatypeOf(varint);
      if (output.datatype == Datatype.Unknown) this.error = UNKNOWN_DATATYPE;
    } else if (tagField == SHAPE && tagWireType == LENGTH_DELIMITED) {
      if (!readShape(content, end, output)) this.error = MALFORMED;
    }
    return end;
  }

  private run(at: usize, to: usize): usize {
    const end = this.stream.take(at, to);
    if (this.stream.malformed) return this.fail(at, MALFORMED);
    if (this.stream.runOver) this.part = Part.Tensor;
    return end;
  }

  /**
   * A tensor is whole. Fewer elements than the shape says: the last one fills the rest (TensorProto's own
   * rule).
   */
  private endTensor(): void {
    const output = this.output;
    if (output.datatype == Datatype.Unknown) {
      this.error = UNKNOWN_DATATYPE;
      return;
    }
    const size = elementSize(output.datatype);
    let elements: f64 = this.started ? <f64>this.stream.elements : 0;
    const product = output.product;
    if (elements == 1 && size > 0 && product > 1 && product != Infinity) {
      this.fillLeft -= product * <f64>size;
      if (this.fillLeft < 0) {
        this.error = OVERSIZE;
        return;
      }
      memory.copy(fill, output.chain.slabData(output.chain.firstSlab), size);
      for (; elements < product; elements++) output.chain.append(fill, size);
    }
    this.listsLeft -= output.lists;
    if (elements != product || this.listsLeft < 0) this.error = WRONG_SIZE;
  }

  private writeJson(): void {
    const out = this.out;
    for (let i = 0; i < this.count; i++) {
      if (this.outputs[i].datatype == Datatype.Unknown) {
        this.error = UNKNOWN_DATATYPE;
        return;
      }
      this.outputs[i].rewind();
    }
    out.appendBytes(this.rows ? PREDICTIONS : COLUMNS);
    if (this.count == 1) this.outputs[0].write(0, out);
    else if (this.rows) this.writeRows();
    else this.writeObject(0);
    out.appendByte(Char.CLOSE_BRACE);
    for (let i = 0; i < this.count; i++) this.outputs[i].chain.release();
  }

  private writeRows(): void {
    const count: i64 = this.count == 0 || this.outputs[0].rank == 0 ? 0 : this.outputs[0].shape[0];
    for (let i = 0; i < this.count; i++) {
      if (this.outputs[i].rank == 0 || this.outputs[i].shape[0] != count) {
        this.error = NOT_ROWS;
        return;
      }
    }
    let names: i64 = 0;
    for (let i = 0; i < this.count; i++) names += this.outputs[i].name.len;
    if (<f64>names * <f64>count > <f64>this.maxMessageBytes) {
      this.error = OVERSIZE;
      return;
    }
    this.out.appendByte(Char.OPEN_BRACKET);
    for (let row: i64 = 0; row < count; row++) {
      if (row > 0) this.out.appendByte(Char.COMMA);
      this.writeObject(1);
    }
    this.out.appendByte(Char.CLOSE_BRACKET);
  }

  private writeObject(level: i32): void {
    this.out.appendByte(Char.OPEN_BRACE);
    for (let i = 0; i < this.count; i++) {
      name.clear();
      if (i > 0) name.appendByte(Char.COMMA);
      appendJsonString(name, this.outputs[i].name.ptr, this.outputs[i].name.len, i32.MAX_VALUE);
      name.appendByte(Char.COLON);
      this.out.append(name.ptr, name.len);
      this.outputs[i].write(level, this.out);
    }
    this.out.appendByte(Char.CLOSE_BRACE);
  }
}

const name: ByteBuffer = new ByteBuffer();
const fill: usize = memory.data(8);
/** Most lists that tensors without elements may nest. */
const MAX_LISTS: f64 = 1_000_000;
