import { Datatype, elementSize, parseDatatype } from "../../model-protocol/datatype";
import { decimalToInteger, integerValue } from "../../model-protocol/numbers/decimal";
import {
  REQUEST_ID,
  REQUEST_MODEL_NAME,
  REQUEST_MODEL_VERSION,
  REQUEST_PARAMETERS,
  REQUEST_RAW_CONTENTS,
} from "../../model-protocol/open-inference-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";
import { appendField } from "../../sdk/bytes/protobuf";
import { PieceSink } from "../body/piece-sink";
import { SlabChain } from "../body/slabs";
import { copyText, textClosed, textMalformed } from "../json/element-text";
import { DUPLICATE, WRONG_TYPE } from "../json/faults";
import { IGNORED } from "../json/place";
import { JsonReader } from "../json/reader";
import { text } from "../json/tokens";
import { Nesting } from "../tensor/nesting";
import { RawContents } from "../tensor/raw-contents";
import { rawTensor } from "../tensor/raw-tensor";
import { commaTaken, elementError, elementsRead, readElements } from "../tensor/read-elements";
import { readTextRun, textComma, textsRead } from "../tensor/read-text-run";
import * as fault from "./infer-faults";
import {
  BINARY_DATA,
  BINARY_DATA_OUTPUT,
  BINARY_DATA_SIZE,
  DATA,
  Member,
  mayBeLiteral,
  memberOf,
  parameterFieldOf,
  Role,
  SEQUENCE_ID,
  SHARED_MEMORY_REGION,
} from "./infer-members";
import { appendBoolean, appendNumber, appendSequenceId, appendString } from "./parameters";
import { RequestTensor } from "./request-tensor";
import { RequestedOutputs } from "./requested-outputs";

/**
 * `POST /v2/models/{model}/infer` of the Open Inference Protocol -> `inference.ModelInferRequest`. Numbers go
 * straight into little-endian tensor bytes; unknown members are checked and ignored. With the binary tensor
 * data extension the JSON says how many bytes behind it belong to an input.
 */

/** What became of the member `data` of an input. */
enum Data {
  Missing,
  /** It came before its datatype: its text is kept. */
  Captured,
  Read,
}

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
  private sawInputs: bool = false;
  private sawOutputs: bool = false;

  readonly outputs: RequestedOutputs = new RequestedOutputs();
  /** Bytes of the id as JSON; 0 without one. */
  idBytes: i32 = 0;

  /** The input or output that is open. */
  private readonly tensor: RequestTensor = new RequestTensor();
  private readonly parameterKey: ByteBuffer = new ByteBuffer();
  private chain: SlabChain = new SlabChain();
  private data: Data = Data.Missing;
  private binarySize: i64 = -1;
  /** -1 while an output does not say whether it is wanted as binary data, else 0 or 1. */
  private outputBinary: i32 = -1;
  private elementCount: i64 = 0;
  private readonly nesting: Nesting = new Nesting();
  /** Depth of the array `data`, and the length of `chain` when the current string began. */
  private dataDepth: i32 = 0;
  private stringStart: i32 = 0;

  /** Makes it ready for a new request; names come from the path. */
  reset(model: ByteBuffer, version: ByteBuffer): void {
    this.release();
    this.start();
    this.sawInputs = false;
    this.sawOutputs = false;
    this.outputs.reset();
    this.idBytes = 0;
    this.head.clear();
    appendField(this.head, REQUEST_MODEL_NAME, model.ptr, model.len);
    if (version.len > 0) appendField(this.head, REQUEST_MODEL_VERSION, version.ptr, version.len);
  }

  /** Makes it the request of `rawTensor`: all of the body is its data. */
  setRaw(): bool {
    this.tensor.setRaw();
    this.data = Data.Missing;
    this.binarySize = rawTensor.size;
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
    if (!this.sawInputs) this.fail(fault.NO_INPUTS);
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
      if (!this.nesting.open(this.depth - this.dataDepth + 1)) this.fail(fault.RAGGED);
      return this.require(object, false, Role.Data);
    }
    if (parent == Role.Shape) this.fail(fault.BAD_SHAPE);
    if (parent == Role.Parameters) this.fail(fault.BAD_PARAMETER);
    const member = <Member>this.member;
    if (member == Member.Ignored) return IGNORED;
    if (member == Member.Inputs) {
      if (this.sawInputs) this.fail(DUPLICATE);
      this.sawInputs = true;
      return this.require(object, false, Role.Inputs);
    }
    if (member == Member.Outputs) {
      if (this.sawOutputs) this.fail(DUPLICATE);
      this.sawOutputs = true;
      return this.require(object, false, Role.Outputs);
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

  private require(object: bool, wanted: bool, role: Role): i32 {
    if (object != wanted) this.fail(WRONG_TYPE);
    return role;
  }

  private openData(object: bool): i32 {
    const unknown = this.tensor.datatype == Datatype.Unknown;
    if (object) this.fail(WRONG_TYPE);
    else if (this.data == Data.Read || (this.data == Data.Captured && unknown)) this.fail(DUPLICATE);
    else if (unknown) {
      this.data = Data.Captured;
      this.startCapture();
    } else {
      this.data = Data.Read;
      this.chain = this.contents.add(-1);
      this.dataDepth = this.depth + 1;
      this.nesting.reset();
      this.nesting.open(0);
    }
    return Role.Data;
  }

  protected closed(role: i32, count: i32): void {
    if (role == Role.Data) {
      if (!this.nesting.close(this.depth - this.dataDepth, count)) this.fail(fault.RAGGED);
    } else if (role == Role.Input) this.finishInput();
    else if (role == Role.Output) this.finishOutput();
  }

  protected key(): i32 {
    const ptr = text.ptr;
    const len = text.len;
    const role = <Role>this.role;
    if (this.head.len + this.tensor.parameters.len > MAX_HEAD) this.fail(fault.TOO_MUCH);
    if (role == Role.Parameters) {
      this.parameterKey.clear();
      this.parameterKey.append(ptr, len);
      return Member.Parameters;
    }
    return memberOf(role, ptr, len);
  }

  protected string(): void {
    const role = <Role>this.role;
    const member = <Member>this.member;
    if (role == Role.Parameters) {
      if (SHARED_MEMORY_REGION.equals(this.parameterKey.ptr, this.parameterKey.len))
        this.fail(fault.SHARED_MEMORY);
      appendString(this.parameterTarget, parameterFieldOf(this.owner), this.parameterKey, text.ptr, text.len);
    } else if (role == Role.Shape) this.fail(fault.BAD_SHAPE);
    else if (role == Role.Inputs || role == Role.Outputs) this.fail(WRONG_TYPE);
    else if (member == Member.Id) this.setId(text.ptr, text.len);
    else if (member == Member.Name) this.tensor.setName(text.ptr, text.len);
    else if (member == Member.Datatype) {
      const tensor = this.tensor;
      if (tensor.datatype != Datatype.Unknown) this.fail(DUPLICATE);
      tensor.datatype = parseDatatype(text.ptr, text.len);
      if (tensor.datatype == Datatype.Unknown) this.fail(fault.UNKNOWN_DATATYPE);
      else if (this.data == Data.Captured) this.readCaptured(Member.Data, DATA);
    } else if (member != Member.Ignored) this.fail(WRONG_TYPE);
  }

  protected number(): void {
    const role = <Role>this.role;
    if (role == Role.Shape) {
      const fits = decimalToInteger(63, false) && this.tensor.addDimension(<i64>integerValue);
      if (!fits) this.fail(fault.BAD_SHAPE);
    } else if (role == Role.Parameters) {
      if (this.parameterIs(Role.Input, BINARY_DATA_SIZE)) {
        if (decimalToInteger(63, false)) this.binarySize = <i64>integerValue;
        else this.fail(WRONG_TYPE);
      } else if (this.parameterIs(Role.Request, SEQUENCE_ID)) {
        const taken = appendSequenceId(this.head, REQUEST_PARAMETERS, this.parameterKey);
        if (!taken) this.fail(fault.BAD_SEQUENCE_ID);
      } else if (!appendNumber(this.parameterTarget, parameterFieldOf(this.owner), this.parameterKey)) {
        this.fail(fault.BAD_PARAMETER);
      }
    } else if (role == Role.Inputs || role == Role.Outputs || this.member != Member.Ignored)
      this.fail(WRONG_TYPE);
  }

  protected literal(letter: u8): void {
    const role = <Role>this.role;
    if (role == Role.Shape) this.fail(fault.BAD_SHAPE);
    else if (role == Role.Parameters) {
      const value = letter == Char.t;
      if (letter == Char.n) this.fail(fault.BAD_PARAMETER);
      else if (this.parameterIs(Role.Output, BINARY_DATA)) this.outputBinary = <i32>value;
      else if (this.parameterIs(Role.Request, BINARY_DATA_OUTPUT)) this.outputs.binaryByDefault = value;
      else appendBoolean(this.parameterTarget, parameterFieldOf(this.owner), this.parameterKey, value);
    } else if (role == Role.Inputs || role == Role.Outputs || !mayBeLiteral(<Member>this.member, letter))
      this.fail(WRONG_TYPE);
  }

  private setId(ptr: usize, len: i32): void {
    appendField(this.head, REQUEST_ID, ptr, len);
    idText.clear();
    appendJsonString(idText, ptr, len, i32.MAX_VALUE);
    this.idBytes = idText.len;
  }

  /** Role of the object whose parameters are open. */
  private get owner(): Role {
    return <Role>this.roleAbove;
  }

  private parameterIs(owner: Role, key: Bytes): bool {
    return this.owner == owner && key.equals(this.parameterKey.ptr, this.parameterKey.len);
  }

  private get parameterTarget(): ByteBuffer {
    return this.owner == Role.Request ? this.head : this.tensor.parameters;
  }

  private startTensor(): void {
    this.tensor.clear();
    this.data = Data.Missing;
    this.releaseCapture();
    this.binarySize = -1;
    this.outputBinary = -1;
    this.elementCount = 0;
  }

  protected elements(at: usize, to: usize): usize {
    if (!this.nesting.scalars(this.depth - this.dataDepth + 1)) {
      this.fail(fault.RAGGED);
      return at;
    }
    const datatype = this.tensor.datatype;
    if (datatype == Datatype.BYTES) return this.texts(at, to);
    const end = readElements(datatype, at, to, this.chain);
    const error = elementError;
    if (error != null) this.fail(error);
    this.elementCount += elementsRead;
    this.afterElements(elementsRead, commaTaken);
    return end;
  }

  private texts(at: usize, to: usize): usize {
    const end = readTextRun(at, to, this.chain);
    if (textsRead == 0) return this.startElementText(at);
    this.elementCount += textsRead;
    this.afterElements(textsRead, textComma);
    return end;
  }

  /** Raw contents of BYTES: the length of each element in four bytes, little-endian, then its bytes. */
  private startElementText(at: usize): usize {
    if (load<u8>(at) != Char.QUOTE) {
      this.fail(fault.NOT_A_STRING);
      return at;
    }
    this.chain.appendGap(4);
    this.stringStart = this.chain.length;
    this.startText();
    return at + 1;
  }

  protected moreText(at: usize, to: usize): usize {
    const end = copyText(at, to, this.chain);
    if (textMalformed) this.fail(fault.BAD_TEXT);
    else if (textClosed) {
      this.chain.fillGap(this.chain.length - this.stringStart, 4);
      this.elementCount++;
      this.textDone();
    }
    return end;
  }

  private finishInput(): void {
    const tensor = this.tensor;
    const hasContents = this.data == Data.Read;
    if (
      tensor.name.len == 0 ||
      tensor.rank < 0 ||
      tensor.datatype == Datatype.Unknown ||
      hasContents == this.binarySize >= 0
    ) {
      this.fail(fault.INCOMPLETE_INPUT);
      return;
    }
    if (hasContents) {
      const misfit = tensor.misfit(this.nesting, this.elementCount);
      if (misfit != null) this.fail(misfit);
    } else {
      const size = elementSize(tensor.datatype);
      if (size > 0 && tensor.product * <f64>size != <f64>this.binarySize) this.fail(fault.BINARY_SIZE);
      this.contents.add(this.binarySize);
    }
    tensor.appendInput(this.head);
  }

  private finishOutput(): void {
    if (this.tensor.name.len == 0) this.fail(fault.INCOMPLETE_OUTPUT);
    this.outputs.add(this.tensor.name, this.outputBinary);
    this.tensor.appendOutput(this.head);
  }
}
