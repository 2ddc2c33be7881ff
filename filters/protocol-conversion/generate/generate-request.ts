import { Datatype } from "../../model-protocol/datatype";
import { nonFiniteValue } from "../../model-protocol/numbers/non-finite-text";
import {
  REQUEST_ID,
  REQUEST_MODEL_NAME,
  REQUEST_MODEL_VERSION,
  REQUEST_PARAMETERS,
  REQUEST_RAW_CONTENTS,
} from "../../model-protocol/open-inference-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
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
 * `POST /v2/models/{model}/generate` of Triton's generate extension -> `inference.ModelInferRequest`. Members
 * of the object, and of its member `parameters`, that are named as inputs of the model become tensors, the
 * others parameters of the request (Triton's http_server.cc, ConvertGenerateRequest).
 */

/** What an open object or array means. */
enum Role {
  Request = 1,
  Parameters,
  Data = 0x80,
}

/** What the value after a key means. */
enum Member {
  Ignored,
  Id,
  Parameters,
  Parameter,
  Input,
}

const ID = bytes("id");
const PARAMETERS = bytes("parameters");

/** As of `InferRequest`: most bytes of the message beside its data, and how many are kept for later. */
const MAX_HEAD: i32 = 1024 * 1024;
const KEPT_HEAD: i32 = 64 * 1024;

const NO_MODEL: ModelDescription = new ModelDescription();

export class GenerateRequest extends JsonReader {
  /** The message but for raw contents. */
  private readonly head: ByteBuffer = new ByteBuffer();
  readonly contents: RawContents = new RawContents();
  private model: ModelDescription = NO_MODEL;
  private readonly input: GenerateInput = new GenerateInput();
  /** Name of the parameter whose value comes. */
  private readonly parameter: ByteBuffer = new ByteBuffer();
  private sawParameters: bool = false;
  private sawId: bool = false;

  /** Makes it ready for a new request to this model; names come from the path. */
  reset(model: ModelDescription, name: ByteBuffer, version: ByteBuffer): void {
    this.release();
    this.start();
    this.model = model;
    this.input.reset(model.inputs.length);
    this.sawParameters = false;
    this.sawId = false;
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
    if (member == Member.Parameters && object) return Role.Parameters;
    if (member == Member.Input && !object) {
      this.input.data.begin(this.depth, this.contents.add(-1));
      return Role.Data;
    }
    this.fail(member == Member.Parameter ? BAD_PARAMETER : WRONG_TYPE);
    return IGNORED;
  }

  protected closed(role: i32, count: i32): void {
    if (role != Role.Data) return;
    const data = this.input.data;
    if (!data.closeList(this.depth, count)) this.fail(RAGGED);
    else if (this.roleAbove != Role.Data) this.finishInput(data.elementCount);
  }

  protected key(): i32 {
    const ptr = text.ptr;
    const len = text.len;
    if (this.head.len > MAX_HEAD) this.fail(TOO_MUCH);
    if (this.role == Role.Request) {
      if (ID.equals(ptr, len)) return this.once(this.sawId, Member.Id);
      if (PARAMETERS.equals(ptr, len)) return this.once(this.sawParameters, Member.Parameters);
    }
    const index = this.model.find(ptr, len);
    if (index >= 0) {
      if (!this.input.begin(this.model.inputs[index], index)) this.fail(DUPLICATE);
      return Member.Input;
    }
    this.parameter.clear();
    this.parameter.append(ptr, len);
    return Member.Parameter;
  }

  private once(seen: bool, member: Member): Member {
    if (seen) this.fail(DUPLICATE);
    if (member == Member.Id) this.sawId = true;
    else {
      this.sawParameters = true;
      if (this.model.find(PARAMETERS.ptr, PARAMETERS.len) >= 0) this.fail(fault.PARAMETERS_TAKEN);
    }
    return member;
  }

  protected string(): void {
    const member = <Member>this.member;
    if (member == Member.Id) appendField(this.head, REQUEST_ID, text.ptr, text.len);
    else if (member == Member.Parameter)
      appendString(this.head, REQUEST_PARAMETERS, this.parameter, text.ptr, text.len);
    else this.fail(member == Member.Input ? fault.NOT_OF_DATATYPE : WRONG_TYPE);
  }

  protected number(): void {
    const member = <Member>this.member;
    if (member == Member.Input) this.finishScalar(this.input.appendNumber(this.contents.add(-1)));
    else if (member != Member.Parameter) this.fail(WRONG_TYPE);
    else if (!appendNumber(this.head, REQUEST_PARAMETERS, this.parameter)) this.fail(BAD_PARAMETER);
  }

  protected notFinite(): void {
    if (this.member != Member.Input) this.fail(WRONG_TYPE);
    else this.finishScalar(this.input.appendNonFinite(nonFiniteValue, this.contents.add(-1)));
  }

  protected literal(letter: u8): void {
    const member = <Member>this.member;
    const value = letter == Char.t;
    if (member == Member.Input)
      this.finishScalar(letter != Char.n && this.input.appendBoolean(value, this.contents.add(-1)));
    else if (member != Member.Parameter) this.fail(WRONG_TYPE);
    else if (letter == Char.n) this.fail(BAD_PARAMETER);
    else appendBoolean(this.head, REQUEST_PARAMETERS, this.parameter, value);
  }

  /** The value of an input that is no list was read, if it `fits` the datatype. */
  private finishScalar(fits: bool): void {
    if (fits) this.finishInput(1);
    else this.fail(fault.NOT_OF_DATATYPE);
  }

  private finishInput(count: i64): void {
    if (!this.input.finish(count, this.head)) this.fail(fault.NO_SHAPE);
  }

  protected longText(): bool {
    if (this.member != Member.Input || this.input.datatype != Datatype.BYTES) return false;
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
