import { MessageReader } from "../../model-protocol/message-reader";
import { MALFORMED } from "../../model-protocol/model-faults";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";
import { FIXED32, LENGTH_DELIMITED, tagField, tagLength, tagWireType } from "../../sdk/bytes/protobuf";
import { DONE, FrameReader } from "../protobuf/frame-reader";
import { writeServingF32 } from "./number-text";

/**
 * One gRPC frame with a `tensorflow.serving.ClassificationResponse` ->
 * `{"results":[[["label",0.5],...],...]}`, a list of classes for each example; with a `RegressionResponse` ->
 * `{"results":[0.5,...]}`.
 */

/** What the bytes at hand are part of. */
enum Level {
  Response = 2,
  Result,
  Classifications,
}

/** `result`, `classifications`, `regressions` and `classes` all have this number, `label` and `value` too. */
const FIRST: i32 = 1;
const CLASS_SCORE: i32 = 2;

const OPEN = bytes('{"results":[');
const NO_RESULTS = bytes("the model sent no results");

const fields: MessageReader = new MessageReader();
const label: ByteBuffer = new ByteBuffer();
const number: usize = memory.data(64);

export class ResultsResponse extends FrameReader {
  private classes: bool = false;
  /** Bytes left of the message at each level. */
  private readonly left: StaticArray<i64> = new StaticArray<i64>(Level.Classifications + 1);
  private results: i64 = 0;
  private first: bool = true;

  /** @param classes of a classification, not of a regression */
  reset(classes: bool, maxMessageBytes: i64): void {
    this.release();
    this.startFrames(maxMessageBytes);
    this.classes = classes;
    this.results = 0;
  }

  release(): void {
    this.out.release();
  }

  get complete(): bool {
    return this.part == DONE;
  }

  protected startMessage(length: i64): void {
    this.out.appendBytes(OPEN);
    this.enter(Level.Response, length);
  }

  protected read(level: i32, at: usize, to: usize): usize {
    if (this.left[level] > 0) return this.field(at, to);
    this.close();
    return at;
  }

  private enter(level: Level, length: i64): void {
    this.part = level;
    this.left[level] = length;
  }

  /** A message is over. */
  private close(): void {
    const level = this.part--;
    if (level == Level.Classifications) this.out.appendByte(Char.CLOSE_BRACKET);
    if (level != Level.Response) return;
    if (this.results == 0) this.error = NO_RESULTS;
    this.out.appendByte(Char.CLOSE_BRACKET);
    this.out.appendByte(Char.CLOSE_BRACE);
    this.part = DONE;
  }

  /** Reads a field of the message at hand: enters it, or takes it when it is a value and all there. */
  private field(at: usize, to: usize): usize {
    const level = this.part;
    const left = this.left[level];
    const content = this.tag(at, to, left);
    if (content == 0) return at;
    const whole = <i64>(content - at) + tagLength;
    if (tagField != FIRST || tagWireType != LENGTH_DELIMITED) {
      this.left[level] = left - whole;
      return this.skipField(content);
    }
    const isValue = level == (this.classes ? Level.Classifications : Level.Result);
    const end = content + <usize>tagLength;
    if (isValue && end > to) return at;
    this.left[level] = left - whole;
    if (isValue) {
      this.value(content, end);
      return end;
    }
    if (level == Level.Result) {
      this.comma(this.results++ == 0);
      this.out.appendByte(Char.OPEN_BRACKET);
      this.first = true;
    }
    this.enter(level + 1, tagLength);
    return content;
  }

  private comma(first: bool): void {
    if (!first) this.out.appendByte(Char.COMMA);
  }

  /** A `Class`, or a `Regression`; fields that are missing are empty or 0. */
  private value(from: usize, to: usize): void {
    label.clear();
    let value: f32 = 0;
    const field = this.classes ? CLASS_SCORE : FIRST;
    for (fields.start(from, to); fields.next(); ) {
      if (fields.field == field && fields.wireType == FIXED32) value = load<f32>(fields.from);
      else if (this.classes && fields.isBytes(FIRST)) {
        label.clear();
        appendJsonString(label, fields.from, fields.length, i32.MAX_VALUE);
      }
    }
    if (fields.malformed) {
      this.error = MALFORMED;
      return;
    }
    if (this.classes) this.writeClass(value);
    else {
      this.comma(this.results++ == 0);
      this.writeNumber(value);
    }
  }

  private writeClass(score: f32): void {
    const out = this.out;
    this.comma(this.first);
    this.first = false;
    out.appendByte(Char.OPEN_BRACKET);
    if (label.len == 0) appendJsonString(label, 0, 0, 0);
    out.append(label.ptr, label.len);
    out.appendByte(Char.COMMA);
    this.writeNumber(score);
    out.appendByte(Char.CLOSE_BRACKET);
  }

  private writeNumber(value: f32): void {
    this.out.append(number, <i32>(writeServingF32(value, number) - number));
  }
}
