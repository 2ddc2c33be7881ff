import { Datatype } from "../../model-protocol/datatype";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Char } from "../../sdk/bytes/chars";
import { PieceSink } from "../body/piece-sink";
import { SlabChain } from "../body/slabs";
import { DUPLICATE, WRONG_TYPE } from "../json/faults";
import { IGNORED } from "../json/place";
import { text } from "../json/tokens";
import { commaTaken, elementError, elementsRead, readElements } from "../tensor/read-elements";
import { Input } from "./input";
import { Inputs } from "./inputs";
import { appendSignatureName } from "./model-spec";
import * as fault from "./predict-faults";
import { dataKey, Member, memberOf, Role } from "./predict-members";
import { LIST_DEPTH, Rows } from "./rows";
import { B64, NOT_BASE64, ServingRequest } from "./serving-request";
import { Signature } from "./signature";
import { SignatureChoice } from "./signature-choice";

/**
 * `POST /v1/models/{model}:predict` of TensorFlow Serving -> `tensorflow.serving.PredictRequest`: rows
 * (`instances`) or columns (`inputs`), of named tensors or of one. The signature says their types: where the
 * task has several, data that come before `signature_name` are kept as text until it or the end of the
 * request.
 */

const piece: ByteBuffer = new ByteBuffer();

export class PredictRequest extends ServingRequest {
  readonly rows: Rows = new Rows();
  private readonly choice: SignatureChoice = new SignatureChoice();
  /** Which member's text is kept; Ignored when none is. */
  private waiting: Member = Member.Ignored;
  private sawData: bool = false;
  private readonly inputs: Inputs = new Inputs();
  private input: Input = new Input();
  /** Depth of the array whose nesting is level 0 of the current input. */
  private dataDepth: i32 = 0;
  /** Members of the base64 object that is open. */
  private base64Members: i32 = 0;

  /**
   * Makes it ready; `spec` is filled in by the caller. the default one of `signatures` is the first. A raw
   * tensor needs none.
   */
  reset(signatures: Signature[]): void {
    this.startRequest();
    this.choice.reset(signatures);
    this.waiting = Member.Ignored;
    this.sawData = false;
    this.rows.reset();
    this.isBase64Row = false;
  }

  /** Completes `spec` with the default signature, if the task has one. */
  nameSignature(): void {
    const name = this.choice.signature.name;
    if (this.choice.any) appendSignatureName(this.spec, name.ptr, name.len);
  }

  release(): void {
    this.inputs.release();
    this.releaseCapture();
  }

  finish(): bool {
    if (!this.finishDocument()) return false;
    if (!this.sawData) this.fail(fault.NO_DATA);
    if (!this.inputs.compose(this.rows.named ? this.rows.count : -1)) this.fail(fault.MISSING_INPUT);
    return this.error == null;
  }

  write(sink: PieceSink): void {
    const name = this.choice.signature.name;
    this.startMessage(piece, name.ptr, name.len, this.inputs.length);
    this.inputs.write(piece, sink);
  }

  private startData(): void {
    if (this.sawData) this.fail(fault.BOTH);
    this.sawData = true;
    this.rows.present = this.member == Member.Instances;
    this.inputs.start(this.choice.signature.inputs);
    this.input = this.inputs.first;
  }

  protected open(object: bool): i32 {
    if (this.depth == 0) {
      if (!object) this.fail(WRONG_TYPE);
      return Role.Request;
    }
    const role = <Role>this.role;
    if (role == Role.Data) return object ? this.openInData() : this.openNested();
    if (role == Role.Base64 || this.member == Member.Base64) this.fail(NOT_BASE64);
    if (role == Role.Request && this.member == Member.Ignored) return IGNORED;
    if (this.member == Member.Signature) this.fail(WRONG_TYPE);
    if (role == Role.Request) {
      if (!this.choice.known) {
        this.keep();
        this.startCapture();
        return IGNORED;
      }
      this.startData();
      if (object) {
        if (this.rows.present) this.fail(WRONG_TYPE);
        return Role.Columns;
      }
      if (!this.rows.present && this.inputs.count > 1) this.fail(fault.NAMES_NEEDED);
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
    if (this.choice.known || this.role != Role.Request) return false;
    if (this.member != Member.Instances && this.member != Member.Inputs) return false;
    this.keep();
    return this.error == null;
  }

  private openNested(): i32 {
    if (!this.rows.mayNest(this.inputs)) this.fail(fault.NAMES_NEEDED);
    return this.openLevel(this.depth - this.dataDepth + 1);
  }

  private openLevel(level: i32): i32 {
    if (level == 0) this.dataDepth = this.depth + 1;
    if (!this.input.nesting.open(level)) this.fail(fault.RAGGED);
    return Role.Data;
  }

  /** An object among elements: a row, or base64. */
  private openInData(): i32 {
    if (!this.rows.isList(this.depth)) return this.openBase64();
    this.rows.startRow();
    return Role.Row;
  }

  private openBase64(): i32 {
    this.base64Members = 0;
    return Role.Base64;
  }

  protected closed(role: i32, count: i32): void {
    if (role == Role.Data) {
      if (this.rows.isList(this.depth)) {
        this.check(this.rows.end(count));
        if (this.rows.named) return;
      }
      if (!this.input.nesting.close(this.depth - this.dataDepth, count)) this.fail(fault.RAGGED);
    } else if (role == Role.Base64) {
      if (this.base64Members != 1) this.fail(NOT_BASE64);
    } else if (role == Role.Row && !this.isBase64Row) {
      this.dataDepth = LIST_DEPTH;
      this.check(this.rows.endRow(this.inputs));
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
    if (role == Role.Request) return memberOf(ptr, len);
    const isBase64 = B64.equals(ptr, len);
    if (role == Role.Base64) {
      if (!isBase64) this.fail(WRONG_TYPE);
      this.base64Members++;
      return Member.Base64;
    }
    const input = this.inputs.find(ptr, len);
    if (input != null) {
      if (role == Role.Row) this.check(this.rows.startMember(this.inputs));
      this.input = input;
      if (input.values++ != (role == Role.Row ? this.rows.count : 0)) this.fail(DUPLICATE);
      return Member.Value;
    }
    if (isBase64 && this.inputs.count == 1 && !this.rows.named) {
      if (this.isBase64Row || (role == Role.Columns && this.input.values > 0)) this.fail(DUPLICATE);
      this.isBase64Row = true;
      this.input.values = 1;
      return Member.Base64;
    }
    this.fail(fault.NO_SUCH_INPUT);
    return Member.Ignored;
  }

  /** Level of a scalar that is the value of a member. */
  private scalarLevel(): i32 {
    if (this.role == Role.Base64) return this.roleAbove == Role.Data ? this.depth - this.dataDepth : 0;
    return this.isBase64Row && this.role == Role.Row ? 1 : 0;
  }

  private startScalar(): void {
    if (this.role == Role.Request) {
      if (this.member == Member.Ignored) return;
      this.startData();
      if (this.rows.present) this.fail(WRONG_TYPE);
      if (this.inputs.count > 1) this.fail(fault.NAMES_NEEDED);
      this.input.values = 1;
    }
    if (!this.input.nesting.scalars(this.scalarLevel())) this.fail(fault.RAGGED);
  }

  protected string(): void {
    if (this.member == Member.Ignored && this.role == Role.Request) return;
    if (this.member == Member.Signature && this.role == Role.Request) {
      this.check(this.choice.choose(text.ptr, text.len));
      if (this.error == null) this.signatureKnown();
      return;
    }
    this.startScalar();
    if (this.error == null && !this.input.takeText(text.ptr, text.len)) this.fail(fault.OUT_OF_RANGE);
  }

  /** Reads the data that came before. */
  private signatureKnown(): void {
    this.choice.known = true;
    const member = this.waiting;
    this.waiting = Member.Ignored;
    if (member != Member.Ignored) this.readCaptured(member, dataKey(member));
  }

  /** Is a number or a literal read here? Where it may not stand that is an error. */
  private readsScalar(): bool {
    if (this.member == Member.Ignored && this.role == Role.Request) return false;
    if (this.member == Member.Signature || this.member == Member.Base64) this.fail(WRONG_TYPE);
    else this.startScalar();
    return this.error == null;
  }

  protected number(): void {
    if (this.readsScalar() && !this.input.takeNumber()) this.fail(fault.OUT_OF_RANGE);
  }

  protected notFinite(): void {
    if (this.readsScalar() && !this.input.takeNonFinite()) this.fail(fault.OUT_OF_RANGE);
  }

  protected literal(letter: u8): void {
    if (this.readsScalar() && !this.input.takeLiteral(letter)) this.fail(fault.OUT_OF_RANGE);
  }

  protected elements(at: usize, to: usize): usize {
    this.check(this.rows.mayHold(this.inputs, this.depth));
    if (!this.input.nesting.scalars(this.depth - this.dataDepth + 1)) this.fail(fault.RAGGED);
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
    this.check(elementError);
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

  protected get textTarget(): SlabChain {
    return this.input.chain;
  }

  protected textOver(_wasBase64: bool): void {
    this.input.endText();
  }
}
