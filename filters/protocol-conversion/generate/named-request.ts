import { Datatype } from "../../model-protocol/datatype";
import { nonFiniteValue } from "../../model-protocol/numbers/non-finite-text";
import {
  REQUEST_MODEL_NAME,
  REQUEST_MODEL_VERSION,
  REQUEST_PARAMETERS,
  REQUEST_RAW_CONTENTS,
} from "../../model-protocol/open-inference-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Char } from "../../sdk/bytes/chars";
import { appendField } from "../../sdk/bytes/protobuf";
import { PieceSink } from "../body/piece-sink";
import { textClosed, textMalformed } from "../json/element-text";
import { DUPLICATE, WRONG_TYPE } from "../json/faults";
import { IGNORED } from "../json/place";
import { JsonReader } from "../json/reader";
import { text } from "../json/tokens";
import { BAD_PARAMETER, BAD_TEXT, NOT_A_STRING, RAGGED, TOO_MUCH } from "../open-inference/infer-faults";
import { appendBoolean, appendNumber, appendString } from "../open-inference/parameters";
import { RawContents } from "../tensor/raw-contents";
import { commaTaken, elementError, elementsRead } from "../tensor/read-elements";
import { textComma, textsRead } from "../tensor/read-text-run";
import * as fault from "./generate-faults";
import { GenerateInput } from "./generate-input";
import { ModelDescription } from "./model-description";

/**
 * A JSON object whose members are inputs of the model, by name, and parameters of the request ->
 * `inference.ModelInferRequest`. A subclass knows by which names, and what else the object has.
 */

/** What an open object or array means. */
export enum Role {
  Request = 1,
  /** Those of a subclass begin here. */
  Others,
  Data = 0x80,
}

/** What the value after a key means. */
export enum Member {
  Ignored,
  Parameter,
  Input,
  /** Those of a subclass begin here. */
  Others,
}

/** As of `InferRequest`: most bytes of the message beside its data, and how many are kept for later. */
const MAX_HEAD: i32 = 1024 * 1024;
const KEPT_HEAD: i32 = 64 * 1024;

const NO_MODEL: ModelDescription = new ModelDescription();

export abstract class NamedRequest extends JsonReader {
  /** The message but for raw contents. */
  protected readonly head: ByteBuffer = new ByteBuffer();
  readonly contents: RawContents = new RawContents();
  protected model: ModelDescription = NO_MODEL;
  protected readonly input: GenerateInput = new GenerateInput();
  /** Name of the parameter whose value comes. */
  private readonly parameter: ByteBuffer = new ByteBuffer();
  /** Which members came of which there may be one, a bit each. */
  private seen: u32 = 0;

  /** Makes it ready for a new request to this model, of this name and version. */
  protected startRequest(model: ModelDescription, name: ByteBuffer, version: ByteBuffer): void {
    this.release();
    this.start();
    this.model = model;
    this.input.reset(model.inputs.length);
    this.seen = 0;
    this.head.clear();
    appendField(this.head, REQUEST_MODEL_NAME, name.ptr, name.len);
    if (version.len > 0) appendField(this.head, REQUEST_MODEL_VERSION, version.ptr, version.len);
  }

  release(): void {
    this.contents.release();
    this.releaseCapture();
    if (this.head.allocated > KEPT_HEAD) this.head.free();
    this.model = NO_MODEL;
  }

  finish(): bool {
    if (!this.finishDocument()) return false;
    this.contents.enclose(this.head, REQUEST_RAW_CONTENTS);
    return this.error == null;
  }

  write(sink: PieceSink): void {
    this.contents.begin(sink);
  }

  protected open(object: bool): i32 {
    if (this.depth == 0) {
      if (!object) this.fail(WRONG_TYPE);
      return Role.Request;
    }
    if (this.role == Role.Data) {
      if (object) this.fail(WRONG_TYPE);
      else if (!this.input.data.openList(this.depth)) this.fail(RAGGED);
      return Role.Data;
    }
    const member = <Member>this.member;
    if (member >= Member.Others || this.inOtherList) return this.openOther(object);
    if (member == Member.Ignored) return IGNORED;
    if (member == Member.Input && !object) {
      this.input.data.begin(this.depth, this.contents.add(-1));
      return Role.Data;
    }
    this.fail(member == Member.Parameter ? BAD_PARAMETER : WRONG_TYPE);
    return IGNORED;
  }

  /** Is the innermost container a list of the subclass's, whose elements have no key? */
  private get inOtherList(): bool {
    return this.role >= Role.Others && !this.inObject;
  }

  /** As `open`, of a member that is the subclass's. */
  protected abstract openOther(object: bool): i32;
  /** A container of the subclass closes. */
  protected closedOther(_role: i32): void {}
  /** Meaning of the key in `text` in a container that is the subclass's, or in the outermost object. */
  protected abstract keyOf(role: i32): i32;
  /** A string, in `text`, of a member that is the subclass's. */
  protected abstract stringOther(member: i32): void;
  /** A number, as `number`, or a literal, by its first letter, of a member that is the subclass's. */
  protected numberOther(_member: i32): void {
    this.fail(WRONG_TYPE);
  }
  protected literalOther(_member: i32, _letter: u8): void {
    this.fail(WRONG_TYPE);
  }

  protected closed(role: i32, count: i32): void {
    if (role != Role.Data) {
      if (role >= Role.Others) this.closedOther(role);
      return;
    }
    const data = this.input.data;
    if (!data.closeList(this.depth, count)) this.fail(RAGGED);
    else if (this.roleAbove != Role.Data) this.finishInput(data.elementCount);
  }

  protected key(): i32 {
    if (this.head.len > MAX_HEAD) this.fail(TOO_MUCH);
    return this.keyOf(this.role);
  }

  /** The value after this key is that of the input of the model of this name, or else of a parameter. */
  protected named(ptr: usize, len: i32): Member {
    if (this.beginInput(ptr, len)) return Member.Input;
    this.parameter.clear();
    this.parameter.append(ptr, len);
    return Member.Parameter;
  }

  /** The input of this name begins. @returns false when the model has none */
  protected beginInput(ptr: usize, len: i32): bool {
    const index = this.model.find(ptr, len);
    if (index < 0) return false;
    if (!this.input.begin(this.model.inputs[index], index)) this.fail(DUPLICATE);
    return true;
  }

  /** @returns `member`, of which there may be one */
  protected once(member: i32): i32 {
    if (((this.seen >> member) & 1) != 0) this.fail(DUPLICATE);
    this.seen |= 1 << member;
    return member;
  }

  protected string(): void {
    const member = <Member>this.member;
    if (this.inOtherList) this.fail(WRONG_TYPE);
    else if (member >= Member.Others) this.stringOther(member);
    else if (member == Member.Parameter)
      appendString(this.head, REQUEST_PARAMETERS, this.parameter, text.ptr, text.len);
    else if (member == Member.Input) this.fail(fault.NOT_OF_DATATYPE);
  }

  protected number(): void {
    const member = <Member>this.member;
    if (this.inOtherList) this.fail(WRONG_TYPE);
    else if (member >= Member.Others) this.numberOther(member);
    else if (member == Member.Input) this.finishScalar(this.input.appendNumber(this.contents.add(-1)));
    else if (member == Member.Parameter && !appendNumber(this.head, REQUEST_PARAMETERS, this.parameter))
      this.fail(BAD_PARAMETER);
  }

  protected notFinite(): void {
    if (this.member != Member.Input) this.fail(WRONG_TYPE);
    else this.finishScalar(this.input.appendNonFinite(nonFiniteValue, this.contents.add(-1)));
  }

  protected literal(letter: u8): void {
    const member = <Member>this.member;
    const value = letter == Char.t;
    if (this.inOtherList) this.fail(WRONG_TYPE);
    else if (member >= Member.Others) this.literalOther(member, letter);
    else if (member == Member.Ignored) return;
    else if (letter == Char.n) this.absent(member);
    else if (member == Member.Input)
      this.finishScalar(this.input.appendBoolean(value, this.contents.add(-1)));
    else appendBoolean(this.head, REQUEST_PARAMETERS, this.parameter, value);
  }

  /** An input or a parameter of the request is null. */
  protected absent(member: Member): void {
    this.fail(member == Member.Input ? fault.NOT_OF_DATATYPE : BAD_PARAMETER);
  }

  /** The value of an input that is no list was read, if it `fits` the datatype. */
  protected finishScalar(fits: bool): void {
    if (fits) this.finishInput(1);
    else this.fail(fault.NOT_OF_DATATYPE);
  }

  protected finishInput(count: i64): void {
    if (!this.input.finish(count, this.head)) this.fail(fault.NO_SHAPE);
  }

  protected longText(): bool {
    const isText = this.member == Member.Input && this.input.datatype == Datatype.BYTES;
    if (!isText || this.inOtherList) return false;
    const data = this.input.data;
    data.begin(this.depth, this.contents.add(-1));
    data.beginText();
    return true;
  }

  protected elements(at: usize, to: usize): usize {
    const data = this.input.data;
    if (!data.mayHold(this.depth)) {
      this.fail(RAGGED);
      return at;
    }
    if (this.input.datatype == Datatype.BYTES) return this.texts(at, to);
    const end = data.take(this.input.datatype, at, to);
    this.check(elementError);
    this.afterElements(elementsRead, commaTaken);
    return end;
  }

  private texts(at: usize, to: usize): usize {
    const end = this.input.data.takeTexts(at, to);
    if (textsRead > 0) {
      this.afterElements(textsRead, textComma);
      return end;
    }
    if (load<u8>(at) != Char.QUOTE) {
      this.fail(NOT_A_STRING);
      return at;
    }
    this.input.data.beginText();
    this.startText();
    return at + 1;
  }

  protected moreText(at: usize, to: usize): usize {
    const end = this.input.data.moreText(at, to);
    if (textMalformed) this.fail(BAD_TEXT);
    else if (textClosed) {
      this.textDone();
      if (this.role != Role.Data) this.finishInput(1);
    }
    return end;
  }
}
