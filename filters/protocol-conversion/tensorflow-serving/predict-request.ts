import { Datatype } from "../../model-protocol/datatype";
import { isNonFiniteText, nonFiniteValue } from "../../model-protocol/numbers/non-finite-text";
import { ENTRY_KEY, ENTRY_VALUE } from "../../model-protocol/open-inference-fields";
import { CONTENT, MODEL_SPEC, PREDICT_INPUTS } from "../../model-protocol/tensor-proto-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendField, appendTag, appendVarint, LENGTH_DELIMITED, varintSize } from "../../sdk/bytes/protobuf";
import { PieceSink, startRequestFrame } from "../body/piece-sink";
import { copyText, textClosed, textMalformed } from "../json/element-text";
import { DUPLICATE, WRONG_TYPE } from "../json/faults";
import { IGNORED } from "../json/place";
import { JsonReader } from "../json/reader";
import { text } from "../json/tokens";
import { appendNonFinite, appendNumberElement } from "../tensor/append-element";
import { RawContents } from "../tensor/raw-contents";
import { rawTensor } from "../tensor/raw-tensor";
import { commaTaken, elementError, elementsRead, readElements } from "../tensor/read-elements";
import { Base64Text } from "./base64-text";
import { Input } from "./input";
import { appendSignatureName } from "./model-spec";
import * as fault from "./predict-faults";
import { appendRawPredict } from "./raw-predict";
import { NO_SIGNATURE, Signature } from "./signature";

/**
 * `POST /v1/models/{model}:predict` of TensorFlow Serving -> `tensorflow.serving.PredictRequest`: rows
 * (`instances`) or columns (`inputs`), of named tensors or of one. The signature says their types: where the
 * task has several, data that come before `signature_name` are kept as text until it or the end of the
 * request.
 */

enum Role {
  Ignored = 0,
  Request,
  /** An object of `instances` whose members are inputs, or that is a base64 object. */
  Row,
  /** The object `inputs`, likewise. */
  Columns,
  /** `{"b64": "..."}` */
  Base64,
  Data = 0x80,
}

enum Member {
  Ignored,
  Signature,
  Instances,
  Inputs,
  /** A value of the current input. */
  Value,
  Base64,
}

const SIGNATURE_NAME = bytes("signature_name");
const INSTANCES = bytes("instances");
const INPUTS = bytes("inputs");
const B64 = bytes("b64");

const piece: ByteBuffer = new ByteBuffer();

export class PredictRequest extends JsonReader {
  /** `ModelSpec` as far as the path says it. */
  readonly spec: ByteBuffer = new ByteBuffer();
  private readonly head: ByteBuffer = new ByteBuffer();
  /** Does the caller send rows, and so gets rows back? */
  rows: bool = false;
  signature: Signature = NO_SIGNATURE;

  private signatures: Signature[] = [];
  /** Is it known which signature is meant? */
  private named: bool = false;
  /** Which member's text is kept; Ignored when none is. */
  private waiting: Member = Member.Ignored;
  private chosen: bool = false;
  private sawData: bool = false;
  private readonly inputs: Input[] = [];
  private inputCount: i32 = 0;
  private input: Input = new Input();
  private rowCount: i32 = 0;
  private rowMembers: i32 = 0;
  /** Are the rows objects with named inputs? */
  private namedRows: bool = false;
  /** Depth of the array whose nesting is level 0 of the current input. */
  private dataDepth: i32 = 0;
  private readonly base64: Base64Text = new Base64Text();
  /** Members of the base64 object that is open. */
  private base64Members: i32 = 0;

  /**
   * Makes it ready; `spec` is filled in by the caller. the default one of `signatures` is the first. A raw
   * tensor needs none.
   */
  reset(signatures: Signature[]): void {
    this.release();
    this.start();
    this.signatures = signatures;
    if (signatures.length > 0) this.signature = signatures[0];
    this.named = signatures.length == 1;
    this.chosen = false;
    this.waiting = Member.Ignored;
    this.sawData = false;
    this.rows = false;
    this.namedRows = false;
    this.rowCount = 0;
    this.isBase64Row = false;
    this.base64.reset();
    this.spec.clear();
  }

  /** Completes `spec` with the default signature, if the task has one. */
  nameSignature(): void {
    if (this.signatures.length == 0) return;
    appendSignatureName(this.spec, this.signature.name.ptr, this.signature.name.len);
  }

  /**
   * Makes it the request of `rawTensor`, whose bytes pass by `contents`.
   * @returns false when the datatype has none
   */
  setRaw(contents: RawContents): bool {
    this.head.clear();
    contents.release();
    contents.enclose(this.head, CONTENT);
    contents.add(rawTensor.size);
    return appendRawPredict(this.head, this.spec);
  }

  release(): void {
    for (let i = 0; i < this.inputCount; i++) this.inputs[i].chain.release();
    this.inputCount = 0;
    this.releaseCapture();
  }

  finish(): bool {
    if (!this.finishDocument()) return false;
    if (!this.sawData) this.fail(fault.NO_DATA);
    for (let i = 0; i < this.inputCount; i++) {
      const input = this.inputs[i];
      if (input.values == 0) this.fail(fault.MISSING_INPUT);
      input.compose(this.namedRows ? this.rowCount : -1);
    }
    return this.error == null;
  }

  write(sink: PieceSink): void {
    appendSignatureName(this.spec, this.signature.name.ptr, this.signature.name.len);
    let length: i64 = 1 + varintSize(this.spec.len) + this.spec.len;
    for (let i = 0; i < this.inputCount; i++) {
      const entry = this.inputs[i].entryLength;
      length += 1 + varintSize(entry) + entry;
    }
    startRequestFrame(piece, length);
    appendField(piece, MODEL_SPEC, this.spec.ptr, this.spec.len);
    for (let i = 0; i < this.inputCount; i++) {
      const input = this.inputs[i];
      appendTag(piece, PREDICT_INPUTS, LENGTH_DELIMITED);
      appendVarint(piece, input.entryLength);
      appendField(piece, ENTRY_KEY, input.info.name.ptr, input.info.name.len);
      appendTag(piece, ENTRY_VALUE, LENGTH_DELIMITED);
      appendVarint(piece, input.tensorLength);
      piece.append(input.head.ptr, input.head.len);
      sink.piece(piece.ptr, piece.len);
      piece.clear();
      sink.pieces(input.chain);
    }
  }

  private startData(): void {
    if (this.sawData) this.fail(fault.BOTH);
    this.sawData = true;
    this.rows = this.member == Member.Instances;
    const infos = this.signature.inputs;
    while (this.inputs.length < infos.length) this.inputs.push(new Input());
    this.inputCount = infos.length;
    for (let i = 0; i < infos.length; i++) this.inputs[i].reset(infos[i]);
    this.input = this.inputs[0];
  }

  protected open(object: bool): i32 {
    if (this.depth == 0) {
      if (!object) this.fail(WRONG_TYPE);
      return Role.Request;
    }
    const role = <Role>this.role;
    if (role == Role.Data) return object ? this.openInData() : this.openNested();
    if (role == Role.Base64 || this.member == Member.Base64) this.fail(fault.NOT_BASE64);
    if (role == Role.Request && this.member == Member.Ignored) return IGNORED;
    if (this.member == Member.Signature) this.fail(WRONG_TYPE);
    if (role == Role.Request) {
      if (!this.named) {
        this.keep();
        this.startCapture();
        return IGNORED;
      }
      this.startData();
      if (object) {
        if (this.rows) this.fail(WRONG_TYPE);
        return Role.Columns;
      }
      if (!this.rows && this.inputCount > 1) this.fail(fault.NAMES_NEEDED);
      this.input.values = 1;
    } else if (object) return this.openBase64();
    return this.openLevel(0);
  }

  /** The data that come here are read once it is known which signature is meant. */
  private keep(): void {
    if (this.waiting != Member.Ignored) this.fail(fault.BOTH);
    this.waiting = <Member>this.member;
  }

  protected keepsScalar(): bool {
    if (this.named || this.role != Role.Request) return false;
    if (this.member != Member.Instances && this.member != Member.Inputs) return false;
    this.keep();
    return this.error == null;
  }

  private openNested(): i32 {
    const level = this.depth - this.dataDepth + 1;
    if (this.rows && !this.namedRows && this.inputCount > 1) this.fail(fault.NAMES_NEEDED);
    return this.openLevel(level);
  }

  private openLevel(level: i32): i32 {
    if (level == 0) this.dataDepth = this.depth + 1;
    if (!this.input.nesting.open(level)) this.fail(fault.RAGGED);
    return Role.Data;
  }

  /** An object among elements: a row, or base64. */
  private openInData(): i32 {
    if (!this.rows || this.depth != ROWS_DEPTH) return this.openBase64();
    this.rowMembers = 0;
    return Role.Row;
  }

  private openBase64(): i32 {
    this.base64Members = 0;
    return Role.Base64;
  }

  /** Is the innermost list part of a row's member, and not the list of rows itself? */
  private get insideRow(): bool {
    return this.namedRows && this.depth > ROWS_DEPTH;
  }

  protected closed(role: i32, count: i32): void {
    if (role == Role.Data) {
      if (this.rows && this.depth == ROWS_DEPTH) {
        if (count == 0) this.fail(fault.NO_ROWS);
        if (this.namedRows) {
          if (count != this.rowCount) this.fail(fault.MIXED);
          return;
        }
      }
      if (!this.input.nesting.close(this.depth - this.dataDepth, count)) this.fail(fault.RAGGED);
    } else if (role == Role.Base64) {
      if (this.base64Members != 1) this.fail(fault.NOT_BASE64);
    } else if (role == Role.Row && !this.isBase64Row) {
      this.rowCount++;
      this.dataDepth = ROWS_DEPTH;
      if (this.rowMembers != this.inputCount) this.fail(fault.MISSING_INPUT);
      for (let i = 0; i < this.inputCount; i++) {
        if (this.inputs[i].values != this.rowCount) this.fail(fault.MISSING_INPUT);
      }
    } else if (role == Role.Row) this.isBase64Row = false;
    else if (role == Role.Columns && this.isBase64Row) this.isBase64Row = false;
    else if (role == Role.Request) this.signatureKnown();
  }

  /** Was the object that is open a base64 one, though it stands where a row or columns may? */
  private isBase64Row: bool = false;

  protected key(): i32 {
    const ptr = text.ptr;
    const len = text.len;
    const role = <Role>this.role;
    if (role == Role.Request) {
      if (SIGNATURE_NAME.equals(ptr, len)) return Member.Signature;
      if (INSTANCES.equals(ptr, len)) return Member.Instances;
      return INPUTS.equals(ptr, len) ? Member.Inputs : Member.Ignored;
    }
    const isBase64 = B64.equals(ptr, len);
    if (role == Role.Base64) {
      if (!isBase64) this.fail(WRONG_TYPE);
      this.base64Members++;
      return Member.Base64;
    }
    for (let i = 0; i < this.inputCount; i++) {
      const input = this.inputs[i];
      if (!input.info.name.equals(ptr, len)) continue;
      if (role == Role.Row) this.startRowMember();
      this.input = input;
      if (input.values++ != (role == Role.Row ? this.rowCount : 0)) this.fail(DUPLICATE);
      return Member.Value;
    }
    if (isBase64 && this.inputCount == 1 && !this.namedRows) {
      if (this.isBase64Row || (role == Role.Columns && this.input.values > 0)) this.fail(DUPLICATE);
      this.isBase64Row = true;
      this.input.values = 1;
      return Member.Base64;
    }
    this.fail(fault.NO_SUCH_INPUT);
    return Member.Ignored;
  }

  private startRowMember(): void {
    if (!this.namedRows) {
      if (this.rowCount > 0 || this.input.chain.length > 0) this.fail(fault.MIXED);
      this.namedRows = true;
      this.inputs[0].nesting.reset();
      this.inputs[0].values = 0;
    }
    this.rowMembers++;
  }

  /** Level of a scalar that is the value of a member. */
  private scalarLevel(): i32 {
    if (this.role == Role.Base64) return this.isMemberOfObject ? 0 : this.depth - 1 - this.dataDepth + 1;
    if (this.isBase64Row && this.role == Role.Row) return 1;
    return 0;
  }

  private get isMemberOfObject(): bool {
    return this.roleAbove != Role.Data;
  }

  private startScalar(): void {
    if (this.role == Role.Request) {
      if (this.member == Member.Ignored) return;
      this.startData();
      if (this.rows) this.fail(WRONG_TYPE);
      if (this.inputCount > 1) this.fail(fault.NAMES_NEEDED);
      this.input.values = 1;
    }
    if (!this.input.nesting.scalars(this.scalarLevel())) this.fail(fault.RAGGED);
  }

  protected string(): void {
    if (this.member == Member.Ignored && this.role == Role.Request) return;
    if (this.member == Member.Signature && this.role == Role.Request) {
      this.chooseSignature();
      return;
    }
    this.startScalar();
    if (this.error != null) return;
    if (this.input.datatype != Datatype.BYTES) {
      if (isNonFiniteText(text.ptr, text.len)) this.appendNonFinite();
      else this.fail(fault.OUT_OF_RANGE);
      return;
    }
    this.input.startText();
    this.input.chain.append(text.ptr, text.len);
    this.input.endText();
  }

  private chooseSignature(): void {
    if (this.chosen) this.fail(DUPLICATE);
    this.chosen = true;
    for (let i = 0; i < this.signatures.length; i++) {
      const signature = this.signatures[i];
      if (!signature.name.equals(text.ptr, text.len)) continue;
      this.signature = signature;
      this.signatureKnown();
      return;
    }
    this.fail(fault.NO_SUCH_SIGNATURE);
  }

  /** Reads the data that came before. */
  private signatureKnown(): void {
    this.named = true;
    const member = this.waiting;
    this.waiting = Member.Ignored;
    if (member == Member.Instances) this.readCaptured(member, INSTANCES);
    else if (member == Member.Inputs) this.readCaptured(member, INPUTS);
  }

  protected number(): void {
    if (this.member == Member.Ignored && this.role == Role.Request) return;
    if (this.member == Member.Signature || this.member == Member.Base64) this.fail(WRONG_TYPE);
    else {
      this.startScalar();
      const input = this.input;
      if (this.error == null && !appendNumberElement(input.datatype, input.chain))
        this.fail(fault.OUT_OF_RANGE);
    }
  }

  protected notFinite(): void {
    if (this.member == Member.Ignored && this.role == Role.Request) return;
    if (this.member == Member.Signature || this.member == Member.Base64) this.fail(WRONG_TYPE);
    else {
      this.startScalar();
      if (this.error == null) this.appendNonFinite();
    }
  }

  private appendNonFinite(): void {
    if (!appendNonFinite(this.input.datatype, nonFiniteValue, this.input.chain))
      this.fail(fault.OUT_OF_RANGE);
  }

  protected literal(letter: u8): void {
    if (this.member == Member.Ignored && this.role == Role.Request) return;
    if (this.member == Member.Signature || this.member == Member.Base64) this.fail(WRONG_TYPE);
    else {
      this.startScalar();
      if (this.error != null) return;
      if (this.input.datatype != Datatype.BOOL || letter == Char.n) this.fail(fault.OUT_OF_RANGE);
      else this.input.chain.appendByte(<u8>(letter == Char.t));
    }
  }

  protected elements(at: usize, to: usize): usize {
    if (this.rows && this.inputCount > 1 && !this.insideRow) this.fail(fault.NAMES_NEEDED);
    else if (this.namedRows && this.depth == ROWS_DEPTH) this.fail(fault.MIXED);
    else if (!this.input.nesting.scalars(this.depth - this.dataDepth + 1)) this.fail(fault.RAGGED);
    if (this.error != null) return at;
    if (this.input.datatype == Datatype.BYTES) {
      if (load<u8>(at) != Char.QUOTE) {
        this.fail(fault.NOT_A_STRING);
        return at;
      }
      this.input.startText();
      this.startText();
      return at + 1;
    }
    const end = readElements(this.input.datatype, at, to, this.input.chain);
    const error = elementError;
    if (error != null) this.fail(error);
    this.afterElements(elementsRead, commaTaken);
    return end;
  }

  protected longText(): bool {
    if (this.member != Member.Base64 || (this.role != Role.Base64 && !this.isBase64Row)) return false;
    if (this.input.datatype != Datatype.BYTES) {
      this.fail(fault.OUT_OF_RANGE);
      return false;
    }
    this.startScalar();
    this.input.startText();
    this.base64.begin();
    return true;
  }

  protected moreText(at: usize, to: usize): usize {
    const chain = this.input.chain;
    const base64 = this.base64;
    const inBase64 = base64.open;
    const end = inBase64 ? base64.take(at, to, chain) : copyText(at, to, chain);
    if (inBase64 ? base64.malformed : textMalformed) this.fail(inBase64 ? fault.NOT_BASE64 : fault.BAD_TEXT);
    else if (inBase64 ? !base64.open : textClosed) {
      this.input.endText();
      this.textDone();
    }
    return end;
  }
}

/** Depth of the list `instances`. */
const ROWS_DEPTH: i32 = 2;
