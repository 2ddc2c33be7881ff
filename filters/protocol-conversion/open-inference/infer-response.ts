import { parseDatatype } from "../../model-protocol/datatype";
import { MALFORMED, ORDER } from "../../model-protocol/model-faults";
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
import { DONE, FRAME_HEADER, FrameReader } from "../protobuf/frame-reader";
import { Encoding } from "../tensor/element-stream";
import { contentsHold } from "./contents";
import { appendMember } from "./parameters";
import { Form, ReplyJson } from "./reply-json";
import { ReplyOutputs } from "./reply-outputs";
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

export class InferResponse extends FrameReader {
  private readonly outputs: ReplyOutputs = new ReplyOutputs(this.out);
  /** Do replies come in the messages of a stream? */
  private streaming: bool = false;
  /** How many replies and errors a stream had so far. */
  replies: i32 = 0;
  /** Bytes left of the message, and of what is nested in it. */
  private envelopeLeft: i64 = 0;
  private messageLeft: i64 = 0;
  private outputLeft: i64 = 0;
  private contentsLeft: i64 = 0;
  /** Where to go on after a run of elements. */
  private after: Part = Part.Message;

  /** Has the JSON of replies written by `json`. */
  writtenBy(json: ReplyJson): InferResponse {
    this.outputs.json = json;
    return this;
  }

  /**
   * @param headerBytes room for the JSON of a binary reply
   * @param mixed the outputs that the caller named, where it wants some as JSON and some as binary data
   * @param streaming whether the model answers with a stream
   */
  reset(
    form: Form,
    maxMessageBytes: i64,
    headerBytes: i32,
    mixed: RequestedOutputs | null,
    streaming: bool,
  ): void {
    this.release();
    this.streaming = streaming;
    this.replies = 0;
    this.outputs.reset(form, headerBytes, mixed);
    this.streamError.clear();
    this.startFrames(maxMessageBytes);
  }

  /** Bytes of JSON that a binary reply starts with; -1 for any other. */
  get announcedBytes(): i32 {
    return this.outputs.binaryForm ? this.outputs.json.headerBytes : -1;
  }

  /** Bytes that the JSON of a binary reply took; 0 while it is not written. */
  get neededBytes(): i32 {
    return this.outputs.json.neededBytes;
  }

  release(): void {
    this.out.release();
    this.outputs.release();
  }

  /** Was the whole message converted, or of a stream all messages so far? */
  get complete(): bool {
    return this.part == DONE || (this.streaming && this.part == FRAME_HEADER);
  }

  protected startMessage(length: i64): void {
    this.outputs.startReply();
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
    if (tagWireType == LENGTH_DELIMITED && tagField == STREAM_RESPONSE && !this.outputs.json.opened) {
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
    if (tagLength > 0) {
      this.streamError.clear();
      this.streamError.append(content, <i32>tagLength);
      this.outputs.json.writeError(content, <i32>tagLength, this.out);
      this.replies++;
    }
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
      if (this.outputs.sawRaw) return this.fail(at, ORDER);
      this.messageLeft -= whole;
      this.outputLeft = tagLength;
      this.outputs.add();
      this.part = Part.Output;
      return content;
    }
    if (delimited && tagField == RESPONSE_RAW_CONTENTS) {
      this.messageLeft -= whole;
      this.error = this.outputs.openRaw(tagLength);
      this.after = Part.Message;
      this.part = Part.Run;
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
    if (this.outputs.began) return this.fail(at, ORDER);
    if (tagField != RESPONSE_PARAMETERS) this.outputs.json.addText(<i32>tagField, content, <i32>tagLength);
    else if (!this.outputs.json.addParameter(content, end)) return this.fail(at, MALFORMED);
    return end;
  }

  private outputField(at: usize, to: usize): usize {
    const output = this.outputs.current;
    if (this.outputLeft == 0) {
      this.error = this.outputs.closeContents();
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
        this.error = this.outputs.openContents();
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
    else if (delimited && tagField == TENSOR_SHAPE) {
      if (!output.addDimensions(content, end)) this.error = MALFORMED;
    } else if (tagWireType == VARINT && tagField == TENSOR_SHAPE) output.addDimension(<i64>varint);
    else if (delimited && tagField == TENSOR_PARAMETERS) {
      if (output.parameters.len > 0) output.parameters.appendByte(Char.COMMA);
      if (!appendMember(output.parameters, content, end)) this.error = MALFORMED;
    }
    return end;
  }

  private contentsField(at: usize, to: usize): usize {
    if (this.contentsLeft == 0) {
      this.part = Part.Output;
      return at;
    }
    let content = this.tag(at, to, this.contentsLeft);
    if (content == 0) return at;
    if (!contentsHold(tagField, this.outputs.current.datatype)) return this.fail(at, MALFORMED);
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
    this.outputs.beginRun(encoding, length);
    this.after = Part.Contents;
    this.part = Part.Run;
    return content;
  }

  private run(at: usize, to: usize): usize {
    const outputs = this.outputs;
    const end = outputs.take(at, to);
    if (end == 0) return this.fail(at, MALFORMED);
    if (outputs.runOver) {
      this.part = this.after;
      if (this.after == Part.Message) this.error = outputs.closeRaw();
    }
    return end;
  }

  private finish(): void {
    this.error = this.outputs.finish();
    this.replies++;
    if (this.error == null) this.part = this.streaming ? <i32>Part.Envelope : DONE;
  }
}
