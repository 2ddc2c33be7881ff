import { ByteBuffer } from "../sdk/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes";
import { appendJsonString } from "../sdk/json-text";
import { FIXED32, FIXED64, LENGTH_DELIMITED, readVarint, VARINT, varint } from "../sdk/protobuf";
import { Datatype, datatypeName, elementSize, parseDatatype } from "./datatype";
import { writeF32 } from "./numbers/float-text";
import { writeI64 } from "./numbers/integer-text";
import { SlabChain } from "./slabs";

/**
 * One gRPC frame with an `inference.ModelInferResponse` -> the JSON of the Open Inference Protocol, written as the
 * bytes arrive. Fields are expected in the order of their numbers, as every protobuf library writes them, so that
 * tensor data need not be kept.
 */

const RESPONSE_MODEL_NAME: u32 = 1;
const RESPONSE_MODEL_VERSION: u32 = 2;
const RESPONSE_ID: u32 = 3;
const RESPONSE_OUTPUTS: u32 = 5;
const RESPONSE_RAW_CONTENTS: u32 = 6;
const TENSOR_NAME: u32 = 1;
const TENSOR_DATATYPE: u32 = 2;
const TENSOR_SHAPE: u32 = 3;
const TENSOR_CONTENTS: u32 = 5;
const CONTENTS_INT64: u32 = 3;
const CONTENTS_FP32: u32 = 6;

/** What the bytes at hand are. */
enum Part {
  FrameHeader,
  Message,
  Output,
  Contents,
  /** Little-endian elements. */
  Raw,
  /** Elements as varints. */
  Varints,
  Done,
}

const FRAME_HEADER: i32 = 5;

const MODEL_NAME = bytes('"model_name":');
const MODEL_VERSION = bytes('"model_version":');
const ID = bytes('"id":');
const OUTPUTS = bytes('"outputs":[');
const NAME = bytes('{"name":');
const DATATYPE = bytes(',"datatype":"');
const SHAPE = bytes('","shape":[');
const DATA = bytes('],"data":[');
const TENSOR_END = bytes("]}");

const COMPRESSED = bytes("the model sent a compressed message");
const MALFORMED = bytes("the model sent a malformed message");
const UNSUPPORTED = bytes("the model sent a tensor whose datatype is not FP32 or INT64");
const ORDER = bytes("the model sent the fields of a message out of order");
const SEVERAL = bytes("the model sent more than one message");

/** What is known of an output before its data comes. Of a field that comes twice the last one counts. */
class Output {
  readonly name: ByteBuffer = new ByteBuffer();
  /** Dimensions as they stand in the JSON, commas between them. */
  readonly shape: ByteBuffer = new ByteBuffer();
  datatype: Datatype = Datatype.Unknown;
  /** Its data came inside of it. */
  written: bool = false;
}

export class InferResponse {
  /** Why conversion failed; null while it did not. */
  error: Bytes | null = null;
  readonly out: SlabChain = new SlabChain();
  private readonly scratch: ByteBuffer = new ByteBuffer();

  private part: Part = Part.FrameHeader;
  /** Bytes left of the message, and of what is nested in it. */
  private messageLeft: i64 = 0;
  private outputLeft: i64 = 0;
  private contentsLeft: i64 = 0;
  private runLeft: i64 = 0;
  /** Where to go on after a run of elements. */
  private afterRun: Part = Part.Message;

  private members: i32 = 0;
  private opened: bool = false;
  private readonly outputs: Output[] = [];
  private outputCount: i32 = 0;
  private nextRaw: i32 = 0;
  private written: i32 = 0;
  private elements: i64 = 0;
  private datatype: Datatype = Datatype.Unknown;

  reset(): void {
    this.error = null;
    this.release();
    this.part = Part.FrameHeader;
    this.members = 0;
    this.opened = false;
    this.outputCount = 0;
    this.nextRaw = 0;
    this.written = 0;
  }

  release(): void {
    this.out.release();
  }

  /** Was the whole message converted? */
  get complete(): bool {
    return this.part == Part.Done;
  }

  /** Converts [from, to) into `out`. @returns the first byte it could not use yet, or 0 on an error. */
  parse(from: usize, to: usize): usize {
    let at = from;
    while (this.error == null) {
      const before = at;
      const part = this.part;
      if (part == Part.FrameHeader) at = this.frameHeader(at, to);
      else if (part == Part.Message) at = this.messageField(at, to);
      else if (part == Part.Output) at = this.outputField(at, to);
      else if (part == Part.Contents) at = this.contentsField(at, to);
      else if (part == Part.Raw) at = this.rawElements(at, to);
      else if (part == Part.Varints) at = this.varintElements(at, to);
      else if (at < to) this.error = SEVERAL;
      if (at == before && part == this.part) break;
    }
    return this.error == null ? at : 0;
  }

  private fail(at: usize, why: Bytes): usize {
    this.error = why;
    return at;
  }

  private frameHeader(at: usize, to: usize): usize {
    if (<i32>(to - at) < FRAME_HEADER) return at;
    if (load<u8>(at) != 0) return this.fail(at, COMPRESSED);
    this.messageLeft = bswap<u32>(load<u32>(at + 1));
    this.part = Part.Message;
    return at + FRAME_HEADER;
  }

  /** Field number and wire type of the tag just read, and, of a length-delimited field, its length. */
  private field: u32 = 0;
  private wireType: i32 = 0;
  private length: i64 = 0;

  /** Reads a tag and what follows it up to the field's content. @returns the byte after, 0 when that is not all there. */
  private tag(at: usize, to: usize): usize {
    let next = readVarint(at, to);
    if (next == 0) return 0;
    this.field = <u32>(varint >> 3);
    this.wireType = <i32>(varint & 7);
    if (this.wireType == LENGTH_DELIMITED || this.wireType == VARINT) {
      next = readVarint(next, to);
      this.length = this.wireType == VARINT ? 0 : <i64>varint;
    } else if (this.wireType == FIXED32) this.length = 4;
    else if (this.wireType == FIXED64) this.length = 8;
    else this.error = MALFORMED;
    return next;
  }

  private messageField(at: usize, to: usize): usize {
    if (this.messageLeft == 0) {
      this.finish();
      return at;
    }
    const content = this.tag(at, to);
    if (content == 0) return at;
    const header = <i64>(content - at);
    if (this.length < 0 || header + this.length > this.messageLeft) return this.fail(at, MALFORMED);
    const delimited = this.wireType == LENGTH_DELIMITED;
    if (delimited && this.field == RESPONSE_OUTPUTS) {
      if (this.nextRaw > 0) return this.fail(at, ORDER);
      this.messageLeft -= header + this.length;
      this.outputLeft = this.length;
      this.startOutput();
      return content;
    }
    if (delimited && this.field == RESPONSE_RAW_CONTENTS) {
      this.messageLeft -= header + this.length;
      this.startRaw();
      return content;
    }
    if (content + <usize>this.length > to) return at;
    if (delimited && this.field == RESPONSE_MODEL_NAME) this.member(MODEL_NAME, content);
    else if (delimited && this.field == RESPONSE_MODEL_VERSION) this.member(MODEL_VERSION, content);
    else if (delimited && this.field == RESPONSE_ID) this.member(ID, content);
    this.messageLeft -= header + this.length;
    return content + <usize>this.length;
  }

  private member(name: Bytes, value: usize): void {
    if (this.length == 0) return;
    if (this.opened) {
      this.error = ORDER;
      return;
    }
    const scratch = this.scratch;
    scratch.clear();
    scratch.appendByte(this.members++ == 0 ? 0x7b : 0x2c);
    scratch.appendBytes(name);
    appendJsonString(scratch, value, <i32>this.length, i32.MAX_VALUE);
    this.write(scratch.ptr, scratch.len);
  }

  private startOutput(): void {
    if (this.outputCount == this.outputs.length) this.outputs.push(new Output());
    const output = this.outputs[this.outputCount++];
    output.name.clear();
    output.shape.clear();
    output.datatype = Datatype.Unknown;
    output.written = false;
    this.part = Part.Output;
  }

  private outputField(at: usize, to: usize): usize {
    const output = this.outputs[this.outputCount - 1];
    if (this.outputLeft == 0) {
      if (output.written) this.endTensor();
      this.part = Part.Message;
      return at;
    }
    const content = this.tag(at, to);
    if (content == 0) return at;
    const header = <i64>(content - at);
    if (this.length < 0 || header + this.length > this.outputLeft) return this.fail(at, MALFORMED);
    const delimited = this.wireType == LENGTH_DELIMITED;
    if (delimited && this.field == TENSOR_CONTENTS) {
      this.outputLeft -= header + this.length;
      this.contentsLeft = this.length;
      if (this.contentsLeft > 0) this.startContents(output);
      return content;
    }
    if (content + <usize>this.length > to) return at;
    if (output.written) return this.fail(at, ORDER);
    const length = <i32>this.length;
    if (delimited && this.field == TENSOR_NAME) {
      output.name.clear();
      output.name.append(content, length);
    } else if (delimited && this.field == TENSOR_DATATYPE) output.datatype = parseDatatype(content, length);
    else if (delimited && this.field == TENSOR_SHAPE) this.shape(output, content, content + <usize>length);
    else if (this.wireType == VARINT && this.field == TENSOR_SHAPE) this.dimension(output, varint);
    this.outputLeft -= header + this.length;
    return content + <usize>this.length;
  }

  private shape(output: Output, from: usize, to: usize): void {
    let at = from;
    while (at < to) {
      at = readVarint(at, to);
      if (at == 0) {
        this.error = MALFORMED;
        return;
      }
      this.dimension(output, varint);
    }
  }

  private dimension(output: Output, value: u64): void {
    const shape = output.shape;
    if (shape.len > 0) shape.appendByte(0x2c);
    shape.appendDecimal(value);
  }

  private startContents(output: Output): void {
    this.startTensor(output);
    output.written = true;
    this.part = Part.Contents;
  }

  private contentsField(at: usize, to: usize): usize {
    if (this.contentsLeft == 0) {
      this.part = Part.Output;
      return at;
    }
    const content = this.tag(at, to);
    if (content == 0) return at;
    const header = <i64>(content - at);
    if (this.length < 0 || header + this.length > this.contentsLeft) return this.fail(at, MALFORMED);
    const fits =
      (this.field == CONTENTS_FP32 && this.datatype == Datatype.FP32) ||
      (this.field == CONTENTS_INT64 && this.datatype == Datatype.INT64);
    if (!fits || this.wireType != LENGTH_DELIMITED) return this.fail(at, UNSUPPORTED);
    this.contentsLeft -= header + this.length;
    this.runLeft = this.length;
    this.afterRun = Part.Contents;
    this.part = this.datatype == Datatype.INT64 ? Part.Varints : Part.Raw;
    return content;
  }

  private startRaw(): void {
    if (this.nextRaw == 0 && this.written > 0) this.error = MALFORMED;
    if (this.nextRaw == this.outputCount) {
      this.error = MALFORMED;
      return;
    }
    this.runLeft = this.length;
    this.startTensor(this.outputs[this.nextRaw++]);
    this.afterRun = Part.Message;
    this.part = Part.Raw;
    if (this.runLeft % elementSize(this.datatype) != 0) this.error = MALFORMED;
  }

  /** Writes an output up to its data. */
  private startTensor(output: Output): void {
    if (output.datatype == Datatype.Unknown) {
      this.error = UNSUPPORTED;
      return;
    }
    const scratch = this.scratch;
    scratch.clear();
    this.openOutputs(scratch);
    if (this.written++ > 0) scratch.appendByte(0x2c);
    scratch.appendBytes(NAME);
    appendJsonString(scratch, output.name.ptr, output.name.len, i32.MAX_VALUE);
    scratch.appendBytes(DATATYPE);
    scratch.appendBytes(datatypeName(output.datatype));
    scratch.appendBytes(SHAPE);
    scratch.append(output.shape.ptr, output.shape.len);
    scratch.appendBytes(DATA);
    this.write(scratch.ptr, scratch.len);
    this.datatype = output.datatype;
    this.elements = 0;
  }

  private openOutputs(to: ByteBuffer): void {
    if (this.opened) return;
    this.opened = true;
    to.appendByte(this.members > 0 ? 0x2c : 0x7b);
    to.appendBytes(OUTPUTS);
  }

  private endTensor(): void {
    this.write(TENSOR_END.ptr, TENSOR_END.len);
  }

  private rawElements(at: usize, to: usize): usize {
    const size = <usize>elementSize(this.datatype);
    const run = min<i64>(this.runLeft, <i64>(to - at));
    const end = at + <usize>run - (<usize>run % size);
    const out = this.out;
    const wide = this.datatype == Datatype.INT64;
    this.runLeft -= <i64>(end - at);
    while (at < end) {
      let text = this.textRoom();
      if (this.elements++ > 0) store<u8>(text++, 0x2c);
      text = wide ? writeI64(load<i64>(at), text) : writeF32(load<f32>(at), text);
      this.textWritten(text);
      at += size;
    }
    if (this.runLeft == 0) this.endRun();
    return at;
  }

  private varintElements(at: usize, to: usize): usize {
    const end = at + <usize>min<i64>(this.runLeft, <i64>(to - at));
    while (at < end) {
      const next = readVarint(at, end);
      if (next == 0) {
        if (<i64>(end - at) == this.runLeft) this.error = MALFORMED;
        return at;
      }
      this.runLeft -= <i64>(next - at);
      at = next;
      let text = this.textRoom();
      if (this.elements++ > 0) store<u8>(text++, 0x2c);
      this.textWritten(writeI64(varint, text));
    }
    if (this.runLeft == 0) this.endRun();
    return at;
  }

  private endRun(): void {
    this.part = this.afterRun;
    if (this.afterRun == Part.Message) this.endTensor();
  }

  /** Room for one number with its comma: in the slab, or beside it when it might not fit. */
  private textRoom(): usize {
    const out = this.out;
    return out.end - out.at >= MAX_ELEMENT_TEXT ? out.at : elementText;
  }

  /** Takes the text that ends at `end` and began at `textRoom()`. */
  private textWritten(end: usize): void {
    if (end - elementText <= MAX_ELEMENT_TEXT) this.write(elementText, <i32>(end - elementText));
    else this.out.at = end;
  }

  private write(ptr: usize, len: i32): void {
    const out = this.out;
    while (len > 0) {
      if (out.at == out.end) out.grow();
      const part = min(len, <i32>(out.end - out.at));
      memory.copy(out.at, ptr, part);
      out.at += part;
      ptr += part;
      len -= part;
    }
  }

  private finish(): void {
    const scratch = this.scratch;
    if (this.nextRaw > 0 && this.nextRaw < this.outputCount) {
      this.error = MALFORMED;
      return;
    }
    scratch.clear();
    this.openOutputs(scratch);
    this.write(scratch.ptr, scratch.len);
    while (this.written < this.outputCount) {
      this.startTensor(this.outputs[this.written]);
      if (this.error != null) return;
      this.endTensor();
    }
    this.write(TENSOR_END.ptr, TENSOR_END.len);
    this.part = Part.Done;
  }
}

/** Longest number (MAX_F32_TEXT, MAX_I64_TEXT) with its comma, and room to spare. */
const MAX_ELEMENT_TEXT: usize = 32;
const elementText: usize = memory.data(32);
