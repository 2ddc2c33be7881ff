import { Datatype, parseDatatype } from "../../model-protocol/datatype";
import { decimalToInteger, integerValue } from "../../model-protocol/numbers/decimal";
import {
  REQUEST_ID,
  REQUEST_MODEL_NAME,
  REQUEST_MODEL_VERSION,
  REQUEST_RAW_CONTENTS,
} from "../../model-protocol/open-inference-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Char } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";
import { appendField } from "../../sdk/bytes/protobuf";
import { PieceSink } from "../body/piece-sink";
import { textClosed, textMalformed } from "../json/element-text";
import { DUPLICATE, WRONG_TYPE } from "../json/faults";
import { IGNORED } from "../json/place";
import { JsonReader } from "../json/reader";
import { text } from "../json/tokens";
import { RawContents } from "../tensor/raw-contents";
import { rawTensor } from "../tensor/raw-tensor";
import { commaTaken, elementError, elementsRead } from "../tensor/read-elements";
import { textComma, textsRead } from "../tensor/read-text-run";
import * as fault from "./infer-faults";
import { DATA, Member, mayBeLiteral, memberOf, Role } from "./infer-members";
import { DataState, InputData } from "./input-data";
import { RequestParameters } from "./request-parameters";
import { RequestTensor } from "./request-tensor";
import { RequestedOutputs } from "./requested-outputs";

/**
 * `POST /v2/models/{model}/infer` of the Open Inference Protocol -> `inference.ModelInferRequest`. Numbers go
 * straight into little-endian tensor bytes; unknown members are checked and ignored. With the binary tensor
 * data extension the JSON says how many bytes behind it belong to an input.
 */

/**
 * Most bytes of the message beside its data: they are not counted as tensor bytes, so a request may not have
 * many.
 */
const MAX_HEAD: i32 = 1024 * 1024;
/** A request that had more than that of them gives their memory back. */
const KEPT_HEAD: i32 = 64 * 1024;

const idText: ByteBuffer = new ByteBuffer();

export class InferRequest extends JsonReader {
  /** The message but for raw contents. */
  private readonly head: ByteBuffer = new ByteBuffer();
  readonly contents: RawContents = new RawContents();
  /** Which of `inputs` and `outputs` came, a bit each. */
  private seen: u32 = 0;

  readonly outputs: RequestedOutputs = new RequestedOutputs();
  /** Bytes of the id as JSON; 0 without one. */
  idBytes: i32 = 0;

  /** The input or output that is open. */
  private readonly tensor: RequestTensor = new RequestTensor();
  private readonly data: InputData = new InputData();
  private readonly parameters: RequestParameters = new RequestParameters(
    this.head,
    this.tensor.parameters,
    this.outputs,
  );

  /** Makes it ready for a new request; names come from the path. */
  reset(model: ByteBuffer, version: ByteBuffer): void {
    this.release();
    this.start();
    this.seen = 0;
    this.outputs.reset();
    this.idBytes = 0;
    this.head.clear();
    appendField(this.head, REQUEST_MODEL_NAME, model.ptr, model.len);
    if (version.len > 0) appendField(this.head, REQUEST_MODEL_VERSION, version.ptr, version.len);
  }

  /** Makes it the request of `rawTensor`: all of the body is its data. */
  setRaw(): bool {
    this.tensor.setRaw();
    this.data.reset();
    this.parameters.binarySize = rawTensor.size;
    this.finishInput();
    this.contents.enclose(this.head, REQUEST_RAW_CONTENTS);
    return this.error == null;
  }

  /** Gives back the memory of the tensors. */
  release(): void {
    this.contents.release();
    this.releaseCapture();
    if (this.head.allocated > KEPT_HEAD) this.head.free();
    this.tensor.release(KEPT_HEAD);
  }

  /** The JSON is over and all of it was consumed. @returns false when the request is not complete */
  finish(): bool {
    if (!this.finishDocument()) return false;
    if (!this.saw(Member.Inputs)) this.fail(fault.NO_INPUTS);
    this.contents.enclose(this.head, REQUEST_RAW_CONTENTS);
    return this.error == null;
  }

  write(sink: PieceSink): void {
    this.contents.begin(sink);
  }

  protected open(object: bool): i32 {
    if (this.depth == 0) return this.require(object, true, Role.Request);
    const parent = <Role>this.role;
    if (parent == Role.Inputs || parent == Role.Outputs) {
      this.startTensor();
      return this.require(object, true, parent == Role.Inputs ? Role.Input : Role.Output);
    }
    if (parent == Role.Data) {
      if (!this.data.openList(this.depth)) this.fail(fault.RAGGED);
      return this.require(object, false, Role.Data);
    }
    if (parent == Role.Shape) this.fail(fault.BAD_SHAPE);
    if (parent == Role.Parameters) this.fail(fault.BAD_PARAMETER);
    const member = <Member>this.member;
    if (member == Member.Ignored) return IGNORED;
    if (member == Member.Inputs || member == Member.Outputs) {
      if (this.saw(member)) this.fail(DUPLICATE);
      this.seen |= 1 << member;
      return this.require(object, false, member == Member.Inputs ? Role.Inputs : Role.Outputs);
    }
    if (member == Member.Parameters) return this.require(object, true, Role.Parameters);
    if (member == Member.Shape) {
      if (this.tensor.rank >= 0) this.fail(DUPLICATE);
      this.tensor.rank = 0;
      return this.require(object, false, Role.Shape);
    }
    if (member == Member.Data) return this.openData(object);
    this.fail(WRONG_TYPE);
    return IGNORED;
  }

  private saw(member: Member): bool {
    return ((this.seen >> member) & 1) != 0;
  }

  private require(object: bool, wanted: bool, role: Role): i32 {
    if (object != wanted) this.fail(WRONG_TYPE);
    return role;
  }

  private openData(object: bool): i32 {
    const data = this.data;
    const unknown = this.tensor.datatype == Datatype.Unknown;
    if (object) this.fail(WRONG_TYPE);
    else if (data.state == DataState.Read || (data.state == DataState.Captured && unknown))
      this.fail(DUPLICATE);
    else if (unknown) {
      data.state = DataState.Captured;
      this.startCapture();
    } else data.begin(this.depth, this.contents.add(-1));
    return Role.Data;
  }

  protected closed(role: i32, count: i32): void {
    if (role == Role.Data) {
      if (!this.data.closeList(this.depth, count)) this.fail(fault.RAGGED);
    } else if (role == Role.Input) this.finishInput();
    else if (role == Role.Output) this.finishOutput();
  }

  protected key(): i32 {
    const ptr = text.ptr;
    const len = text.len;
    const role = <Role>this.role;
    if (this.head.len + this.tensor.parameters.len > MAX_HEAD) this.fail(fault.TOO_MUCH);
    if (role == Role.Parameters) {
      this.parameters.setKey(<Role>this.roleAbove, ptr, len);
      return Member.Parameters;
    }
    return memberOf(role, ptr, len);
  }

  protected string(): void {
    const role = <Role>this.role;
    const member = <Member>this.member;
    if (role == Role.Parameters) {
      this.check(this.parameters.string(text.ptr, text.len));
    } else if (role == Role.Shape) this.fail(fault.BAD_SHAPE);
    else if (role == Role.Inputs || role == Role.Outputs) this.fail(WRONG_TYPE);
    else if (member == Member.Id) this.setId(text.ptr, text.len);
    else if (member == Member.Name) this.tensor.setName(text.ptr, text.len);
    else if (member == Member.Datatype) {
      const tensor = this.tensor;
      if (tensor.datatype != Datatype.Unknown) this.fail(DUPLICATE);
      tensor.datatype = parseDatatype(text.ptr, text.len);
      if (tensor.datatype == Datatype.Unknown) this.fail(fault.UNKNOWN_DATATYPE);
      else if (this.data.state == DataState.Captured) this.readCaptured(Member.Data, DATA);
    } else if (member != Member.Ignored) this.fail(WRONG_TYPE);
  }

  protected number(): void {
    const role = <Role>this.role;
    if (role == Role.Shape) {
      const fits = decimalToInteger(63, false) && this.tensor.addDimension(<i64>integerValue);
      if (!fits) this.fail(fault.BAD_SHAPE);
    } else if (role == Role.Parameters) {
      this.check(this.parameters.number());
    } else if (role == Role.Inputs || role == Role.Outputs || this.member != Member.Ignored)
      this.fail(WRONG_TYPE);
  }

  protected literal(letter: u8): void {
    const role = <Role>this.role;
    if (role == Role.Shape) this.fail(fault.BAD_SHAPE);
    else if (role == Role.Parameters) {
      this.check(this.parameters.literal(letter));
    } else if (role == Role.Inputs || role == Role.Outputs || !mayBeLiteral(<Member>this.member, letter))
      this.fail(WRONG_TYPE);
  }

  private setId(ptr: usize, len: i32): void {
    appendField(this.head, REQUEST_ID, ptr, len);
    idText.clear();
    appendJsonString(idText, ptr, len, i32.MAX_VALUE);
    this.idBytes = idText.len;
  }

  private startTensor(): void {
    this.tensor.clear();
    this.data.reset();
    this.releaseCapture();
    this.parameters.startTensor();
  }

  protected elements(at: usize, to: usize): usize {
    if (!this.data.mayHold(this.depth)) {
      this.fail(fault.RAGGED);
      return at;
    }
    const datatype = this.tensor.datatype;
    if (datatype == Datatype.BYTES) return this.texts(at, to);
    const end = this.data.take(datatype, at, to);
    this.check(elementError);
    this.afterElements(elementsRead, commaTaken);
    return end;
  }

  private texts(at: usize, to: usize): usize {
    const end = this.data.takeTexts(at, to);
    if (textsRead > 0) {
      this.afterElements(textsRead, textComma);
      return end;
    }
    if (load<u8>(at) != Char.QUOTE) {
      this.fail(fault.NOT_A_STRING);
      return at;
    }
    this.data.beginText();
    this.startText();
    return at + 1;
  }

  protected moreText(at: usize, to: usize): usize {
    const end = this.data.moreText(at, to);
    if (textMalformed) this.fail(fault.BAD_TEXT);
    else if (textClosed) this.textDone();
    return end;
  }

  private finishInput(): void {
    const tensor = this.tensor;
    const data = this.data;
    const hasContents = data.state == DataState.Read;
    const binarySize = this.parameters.binarySize;
    if (!tensor.isComplete || hasContents == binarySize >= 0) {
      this.fail(fault.INCOMPLETE_INPUT);
      return;
    }
    if (hasContents) this.check(tensor.misfit(data.nesting, data.elementCount));
    else {
      if (!tensor.holds(binarySize)) this.fail(fault.BINARY_SIZE);
      this.contents.add(binarySize);
    }
    tensor.appendInput(this.head);
  }

  private finishOutput(): void {
    if (this.tensor.name.len == 0) this.fail(fault.INCOMPLETE_OUTPUT);
    this.outputs.add(this.tensor.name, this.parameters.outputBinary);
    this.tensor.appendOutput(this.head);
  }
}
