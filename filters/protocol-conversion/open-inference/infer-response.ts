import { Datatype, parseDatatype } from "../../model-protocol/datatype";
import { MALFORMED, ORDER, UNKNOWN_DATATYPE, WRONG_SIZE } from "../../model-protocol/model-faults";
import {
  CONTENTS_BYTES,
  CONTENTS_FP32,
  CONTENTS_FP64,
  RESPONSE_OUTPUTS,
  RESPONSE_PARAMETERS,
  RESPONSE_RAW_CONTENTS,
  STREAM_ERROR,
  STREAM_RESPONSE,
  TENSOR_CONTENTS,
  TENSOR_DATATYPE,
  TENSOR_NAME,
  TENSOR_PARAMETERS,
  TENSOR_SHAPE,
} from "../../model-protocol/open-inference-fields";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import {
  FIXED32,
  FIXED64,
  LENGTH_DELIMITED,
  readVarint,
  tagField,
  tagLength,
  tagWireType,
  VARINT,
  varint,
} from "../../sdk/bytes/protobuf";
import { SlabChain } from "../body/slabs";
import { DONE, FRAME_HEADER, FrameReader } from "../protobuf/frame-reader";
import { ElementStream, Encoding } from "../tensor/element-stream";
import { contentsHold } from "./contents";
import { Output } from "./output";
import { appendMember } from "./parameters";
import { Form, ReplyJson } from "./reply-json";
import { RequestedOutputs } from "./requested-outputs";

/**
 * gRPC frames with an `inference.ModelInferResponse` -> the JSON of the Open Inference Protocol, written as
 * the bytes arrive. Fields are expected in the order of their numbers, as every protobuf library writes them,
 * so that tensor data need not be kept.
 */

/** What the bytes at hand are. */
enum Part {
  /** `ModelStreamInferResponse`, around each reply of a stream. */
  Envelope = 2,
  Message,
  Output,
  Contents,
  /** Elements. */
  Run,
}

const HEADER_TOO_LONG = bytes("the JSON of the reply is longer than binaryHeaderBytes");

export class InferResponse extends FrameReader {
  private readonly json: ReplyJson = new ReplyJson();
  /** Bytes left of the message, and of what is nested in it. */
  private envelopeLeft: i64 = 0;
  private messageLeft: i64 = 0;
  private outputLeft: i64 = 0;
  private contentsLeft: i64 = 0;
  /** Where to go on after a run of elements. */
  private after: Part = Part.Message;

  private readonly outputs: Output[] = [];
  private outputCount: i32 = 0;
  private nextRaw: i32 = 0;
  private written: i32 = 0;
  private readonly stream: ElementStream = new ElementStream();
  /** Raw contents of a binary reply, while the length of its JSON is not known. */
  private readonly binary: SlabChain = new SlabChain();
  private binaryStart: i32 = 0;

  /** The outputs that the caller named, where some are to be JSON and some binary data; else null. */
  private mixed: RequestedOutputs | null = null;

  /**
   * @param headerBytes room for the JSON of a binary reply
   * @param mixed the outputs that the caller named, where it wants some as JSON and some as binary data
   */
  reset(form: Form, maxMessageBytes: i64, headerBytes: i32, mixed: RequestedOutputs | null): void {
    this.release();
    this.mixed = mixed;
    this.json.form = form;
    this.json.headerBytes = headerBytes;
    this.json.neededBytes = 0;
    this.startFrames(maxMessageBytes);
    this.startReply();
  }

  /** Bytes of JSON that a binary reply starts with; -1 for any other. */
  get announcedBytes(): i32 {
    return this.binaryForm ? this.json.headerBytes : -1;
  }

  /** Bytes that the JSON of a binary reply took; 0 while it is not written. */
  get neededBytes(): i32 {
    return this.json.neededBytes;
  }

  private get binaryForm(): bool {
    return this.json.form == Form.Binary;
  }

  private startReply(): void {
    this.json.start();
    this.outputCount = 0;
    this.nextRaw = 0;
    this.written = 0;
  }

  release(): void {
    this.out.release();
    this.binary.release();
    for (let i = 0; i < this.outputCount; i++) this.outputs[i].raw.release();
  }

  private get streaming(): bool {
    return this.json.form >= Form.Events;
  }

  /** Was the whole message converted, or of a stream all messages so far? */
  get complete(): bool {
    return this.part == DONE || (this.streaming && this.part == FRAME_HEADER);
  }

  protected startMessage(length: i64): void {
    this.startReply();
    if (this.streaming) {
      this.envelopeLeft = length;
      this.part = Part.Envelope;
    } else {
      this.messageLeft = length;
      this.part = Part.Message;
    }
  }

  protected read(part: i32, at: usize, to: usize): usize {
    if (part == Part.Run) return this.run(at, to);
    if (part == Part.Message) return this.messageField(at, to);
    if (part == Part.Output) return this.outputField(at, to);
    return part == Part.Contents ? this.contentsField(at, to) : this.envelopeField(at, to);
  }

  private envelopeField(at: usize, to: usize): usize {
    if (this.envelopeLeft == 0) {
      this.part = FRAME_HEADER;
      return at;
    }
    const content = this.tag(at, to, this.envelopeLeft);
    if (content == 0) return at;
    const whole = <i64>(content - at) + tagLength;
    if (tagWireType == LENGTH_DELIMITED && tagField == STREAM_RESPONSE && !this.json.opened) {
      this.envelopeLeft -= whole;
      this.messageLeft = tagLength;
      this.part = Part.Message;
      return content;
    }
    if (tagWireType != LENGTH_DELIMITED || tagField != STREAM_ERROR) {
      this.envelopeLeft -= whole;
      return this.skipField(content);
    }
    if (content + <usize>tagLength > to) return at;
    if (tagLength > 0) this.json.writeError(content, <i32>tagLength, this.out);
    this.envelopeLeft -= whole;
    return content + <usize>tagLength;
  }

  private messageField(at: usize, to: usize): usize {
    if (this.messageLeft == 0) {
      this.finish();
      return at;
    }
    const content = this.tag(at, to, this.messageLeft);
    if (content == 0) return at;
    const whole = <i64>(content - at) + tagLength;
    const delimited = tagWireType == LENGTH_DELIMITED;
    if (delimited && tagField == RESPONSE_OUTPUTS) {
      if (this.nextRaw > 0) return this.fail(at, ORDER);
      this.messageLeft -= whole;
      this.outputLeft = tagLength;
      this.startOutput();
      return content;
    }
    if (delimited && tagField == RESPONSE_RAW_CONTENTS) {
      this.messageLeft -= whole;
      this.startRaw(tagLength);
      return content;
    }
    if (tagField > RESPONSE_RAW_CONTENTS) {
      this.messageLeft -= whole;
      return this.skipField(content);
    }
    const end = content + <usize>tagLength;
    if (end > to) return at;
    this.messageLeft -= whole;
    if (!delimited || tagLength == 0) return end;
    if (this.json.opened || this.outputCount > 0) return this.fail(at, ORDER);
    if (tagField != RESPONSE_PARAMETERS) this.json.addText(<i32>tagField, content, <i32>tagLength);
    else if (!this.json.addParameter(content, end)) return this.fail(at, MALFORMED);
    return end;
  }

  private startOutput(): void {
    if (this.outputCount == this.outputs.length) this.outputs.push(new Output());
    this.outputs[this.outputCount++].reset();
    this.part = Part.Output;
  }

  private outputField(at: usize, to: usize): usize {
    const output = this.outputs[this.outputCount - 1];
    if (this.outputLeft == 0) {
      if (output.written) this.endTensor(output);
      this.part = Part.Message;
      return at;
    }
    const content = this.tag(at, to, this.outputLeft);
    if (content == 0) return at;
    const whole = <i64>(content - at) + tagLength;
    const delimited = tagWireType == LENGTH_DELIMITED;
    if (delimited && tagField == TENSOR_CONTENTS) {
      this.outputLeft -= whole;
      this.contentsLeft = tagLength;
      if (this.contentsLeft > 0) {
        if (!output.written) this.startTensor(output);
        output.written = true;
        this.part = Part.Contents;
      }
      return content;
    }
    const end = content + <usize>tagLength;
    if (end > to) return at;
    if (output.written) return this.fail(at, ORDER);
    this.outputLeft -= whole;
    const length = <i32>tagLength;
    if (delimited && tagField == TENSOR_NAME) {
      output.name.clear();
      output.name.append(content, length);
    } else if (delimited && tagField == TENSOR_DATATYPE) output.datatype = parseDatatype(content, length);
    else if (delimited && tagField == TENSOR_SHAPE) this.shape(output, content, end);
    else if (tagWireType == VARINT && tagField == TENSOR_SHAPE) output.addDimension(<i64>varint);
    else if (delimited && tagField == TENSOR_PARAMETERS) {
      if (output.parameters.len > 0) output.parameters.appendByte(Char.COMMA);
      if (!appendMember(output.parameters, content, end)) this.error = MALFORMED;
    }
    return end;
  }

  private shape(output: Output, from: usize, to: usize): void {
    for (let at = from; at < to; ) {
      at = readVarint(at, to);
      if (at == 0) {
        this.error = MALFORMED;
        return;
      }
      output.addDimension(<i64>varint);
    }
  }

  private contentsField(at: usize, to: usize): usize {
    if (this.contentsLeft == 0) {
      this.part = Part.Output;
      return at;
    }
    const output = this.outputs[this.outputCount - 1];
    let content = this.tag(at, to, this.contentsLeft);
    if (content == 0) return at;
    if (!contentsHold(tagField, output.datatype)) return this.fail(at, MALFORMED);
    const fixed = tagField == CONTENTS_FP32 || tagField == CONTENTS_FP64;
    const encoding = tagField == CONTENTS_BYTES ? Encoding.Text : fixed ? Encoding.Raw : Encoding.Varints;
    let length = tagLength;
    if (tagWireType == VARINT && encoding == Encoding.Varints) {
      // One element that is not packed: go back to its varint.
      const start = readVarint(at, to);
      length = <i64>(content - start);
      content = start;
    } else if (tagWireType != LENGTH_DELIMITED) {
      const wanted = tagField == CONTENTS_FP32 ? FIXED32 : FIXED64;
      if (encoding != Encoding.Raw || tagWireType != wanted) return this.fail(at, MALFORMED);
    }
    this.contentsLeft -= <i64>(content - at) + length;
    this.stream.beginRun(encoding, length);
    this.after = Part.Contents;
    this.part = Part.Run;
    return content;
  }

  private startRaw(length: i64): void {
    if (this.nextRaw == this.outputCount || (this.nextRaw == 0 && this.written > 0)) {
      this.error = MALFORMED;
      return;
    }
    const output = this.outputs[this.nextRaw++];
    output.size = length;
    if (!output.fits(length)) this.error = WRONG_SIZE;
    this.startTensor(output);
    const last = this.nextRaw == this.outputCount && this.mixed == null;
    if (this.binaryForm && last && this.error == null) {
      this.writeHeader();
      this.stream.redirect(this.out);
    }
    this.stream.beginRun(Encoding.Raw, length);
    this.after = Part.Message;
    this.part = Part.Run;
  }

  /** Writes an output up to its data. */
  private startTensor(output: Output): void {
    if (output.datatype == Datatype.Unknown) {
      this.error = UNKNOWN_DATATYPE;
      return;
    }
    const asJson = !this.binaryForm;
    const mixed = this.mixed;
    const kept = mixed == null ? this.binary : output.raw;
    if (mixed != null) output.asJson = !mixed.isBinary(output.name.ptr, output.name.len);
    this.stream.begin(output.datatype, asJson, asJson ? this.out : kept);
    this.written++;
    this.binaryStart = kept.length;
    if (asJson) this.json.openTensor(output, this.written == 1, this.out);
  }

  private endTensor(output: Output): void {
    if (<f64>this.stream.elements != output.product) this.error = WRONG_SIZE;
    if (!this.binaryForm) this.json.closeTensor(this.out);
    else if (this.mixed != null) output.size = output.raw.length;
    else if (output.written) output.size = this.binary.length - this.binaryStart;
  }

  private run(at: usize, to: usize): usize {
    const stream = this.stream;
    const end = stream.take(at, to);
    if (stream.malformed) return this.fail(at, MALFORMED);
    if (stream.runOver) {
      this.part = this.after;
      if (this.after == Part.Message) this.endTensor(this.outputs[this.nextRaw - 1]);
    }
    return end;
  }

  private finish(): void {
    if (this.nextRaw > 0 && this.nextRaw < this.outputCount) {
      this.error = MALFORMED;
      return;
    }
    if (!this.binaryForm) this.finishJson();
    else if (this.nextRaw == 0 || this.mixed != null) this.writeHeader();
    if (this.error != null) return;
    this.part = this.streaming ? <i32>Part.Envelope : DONE;
  }

  private finishJson(): void {
    this.json.openOutputs(this.out);
    while (this.written < this.outputCount) {
      const output = this.outputs[this.written];
      this.startTensor(output);
      if (this.error != null) return;
      this.endTensor(output);
    }
    this.json.close(this.out);
  }

  /** Writes the JSON of a binary reply, and what was kept until the sizes of all outputs were known. */
  private writeHeader(): void {
    if (!this.json.writeHeader(this.outputs, this.outputCount, this.out)) {
      this.error = HEADER_TOO_LONG;
      return;
    }
    this.out.take(this.binary);
    for (let i = 0; i < this.outputCount; i++) {
      const output = this.outputs[i];
      if (output.asJson) output.raw.release();
      else this.out.take(output.raw);
    }
  }
}
