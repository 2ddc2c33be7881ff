import { decimalToInteger, integerValue, integral } from "../../model-protocol/numbers/decimal";
import { decimalToF32 } from "../../model-protocol/numbers/decimal-float";
import { nonFiniteValue } from "../../model-protocol/numbers/non-finite-text";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendTag, appendVarint, fieldSize, LENGTH_DELIMITED } from "../../sdk/bytes/protobuf";
import { PieceSink } from "../body/piece-sink";
import { SlabChain } from "../body/slabs";
import { DUPLICATE, WRONG_TYPE } from "../json/faults";
import { IGNORED } from "../json/place";
import { text } from "../json/tokens";
import { Example, Kind } from "./example";
import { B64, NOT_BASE64, ServingRequest, SIGNATURE_NAME } from "./serving-request";

/**
 * `POST /v1/models/{model}:classify` and `:regress` of TensorFlow Serving -> `ClassificationRequest`,
 * `RegressionRequest`, which look alike. A feature is a value or a list of values of one kind. As in
 * TensorFlow Serving, JSON says the kind: a number with a point or an exponent is a float, another one or a
 * boolean an int64, a string or `{"b64": "..."}` is bytes.
 */

enum Role {
  Ignored = 0,
  Request,
  Examples,
  /** An element of `examples`, or `context`: its members are features. */
  Example,
  /** The list of a feature's values. */
  Values,
  /** `{"b64": "..."}` */
  Base64,
}

enum Member {
  Ignored,
  Signature,
  Examples,
  Context,
  Feature,
  Base64,
  /** The text of a base64 object came. */
  Decoded,
}

const EXAMPLES = bytes("examples");
const CONTEXT = bytes("context");

const NO_EXAMPLES = bytes("examples is required");
const EMPTY_EXAMPLES = bytes("examples must not be empty");
const NOT_AN_EXAMPLE = bytes("an example must be an object of features");
const NESTED = bytes("a feature is a value or a flat list of values");
const NO_VALUE = bytes("a value of a feature must be a number, a string, a boolean or a base64 object");
const MIXED = bytes("the values of a feature must be of one kind: floats, integers or strings");
const TOO_LARGE = bytes("a number fits neither int64 nor float");

const INPUT: i32 = 2;
const EXAMPLE_LIST: i32 = 1;
const EXAMPLE_LIST_WITH_CONTEXT: i32 = 2;
const LIST_EXAMPLES: i32 = 1;
const LIST_CONTEXT: i32 = 2;

const piece: ByteBuffer = new ByteBuffer();

export class ExamplesRequest extends ServingRequest {
  private readonly signature: ByteBuffer = new ByteBuffer();
  private readonly example: Example = new Example();
  /** The finished ones as fields of their list, and of them the context. */
  private readonly examples: SlabChain = new SlabChain();
  private readonly context: SlabChain = new SlabChain();
  /** Which members came, a bit each. */
  private seen: u32 = 0;

  /** Makes it ready; `spec` is filled in by the caller. */
  reset(): void {
    this.startRequest();
    this.signature.clear();
    this.seen = 0;
  }

  release(): void {
    this.example.release();
    this.examples.release();
    this.context.release();
    this.releaseCapture();
  }

  finish(): bool {
    if (!this.finishDocument()) return false;
    if (((this.seen >> Member.Examples) & 1) == 0) this.fail(NO_EXAMPLES);
    return this.error == null;
  }

  write(sink: PieceSink): void {
    const field = this.context.length > 0 ? EXAMPLE_LIST_WITH_CONTEXT : EXAMPLE_LIST;
    const list: i64 = this.examples.length + this.context.length;
    const input = fieldSize(field, list);
    this.startMessage(piece, this.signature.ptr, this.signature.len, fieldSize(INPUT, input));
    appendTag(piece, INPUT, LENGTH_DELIMITED);
    appendVarint(piece, input);
    appendTag(piece, field, LENGTH_DELIMITED);
    appendVarint(piece, list);
    sink.piece(piece.ptr, piece.len);
    sink.pieces(this.examples);
    sink.pieces(this.context);
  }

  protected open(object: bool): i32 {
    if (this.depth == 0) {
      if (!object) this.fail(WRONG_TYPE);
      return Role.Request;
    }
    const role = <Role>this.role;
    if (role == Role.Request) {
      if (this.member == Member.Ignored) return IGNORED;
      if (this.member == Member.Context && object) return Role.Example;
      if (this.member == Member.Examples && !object) return Role.Examples;
      this.fail(WRONG_TYPE);
    } else if (role == Role.Examples) {
      if (!object) this.fail(NOT_AN_EXAMPLE);
      return Role.Example;
    } else if (role == Role.Base64) this.fail(NOT_BASE64);
    else if (!object && role == Role.Values) this.fail(NESTED);
    if (!object) return Role.Values;
    this.member = Member.Feature;
    return Role.Base64;
  }

  protected closed(role: i32, count: i32): void {
    if (role == Role.Examples) {
      if (count == 0) this.fail(EMPTY_EXAMPLES);
    } else if (role == Role.Example) {
      const isContext = this.roleAbove == Role.Request;
      if (isContext) this.example.end(LIST_CONTEXT, this.context);
      else this.example.end(LIST_EXAMPLES, this.examples);
    } else if (role == Role.Base64) {
      if (this.member != Member.Decoded) this.fail(NO_VALUE);
      if (this.roleAbove == Role.Example) this.example.endFeature();
    } else if (role == Role.Values) this.example.endFeature();
  }

  protected key(): i32 {
    const ptr = text.ptr;
    const len = text.len;
    const role = <Role>this.role;
    if (role == Role.Example) {
      this.example.startFeature(ptr, len);
      return Member.Feature;
    }
    if (role == Role.Base64) {
      if (this.member != Member.Feature || !B64.equals(ptr, len)) this.fail(NO_VALUE);
      return Member.Base64;
    }
    let member = Member.Ignored;
    if (SIGNATURE_NAME.equals(ptr, len)) member = Member.Signature;
    else if (EXAMPLES.equals(ptr, len)) member = Member.Examples;
    else if (CONTEXT.equals(ptr, len)) member = Member.Context;
    else return member;
    if (((this.seen >> member) & 1) != 0) this.fail(DUPLICATE);
    this.seen |= 1 << member;
    return member;
  }

  /**
   * May a scalar stand here as a value of a feature, of `kind`?
   * @returns false where it is ignored or an error
   */
  private startValue(kind: Kind): bool {
    const role = <Role>this.role;
    if (role == Role.Request) {
      if (this.member != Member.Ignored) this.fail(WRONG_TYPE);
      return false;
    }
    if (role == Role.Examples) this.fail(NOT_AN_EXAMPLE);
    else if (role == Role.Base64) this.fail(NOT_BASE64);
    else if (kind == Kind.None) this.fail(NO_VALUE);
    else if (!this.example.expect(kind)) this.fail(MIXED);
    return this.error == null;
  }

  private endValue(): void {
    if (this.role == Role.Example) this.example.endFeature();
  }

  protected string(): void {
    if (this.role == Role.Request && this.member == Member.Signature) {
      this.signature.clear();
      this.signature.append(text.ptr, text.len);
    } else this.startValue(Kind.None);
  }

  protected number(): void {
    const kind = integral && decimalToInteger(64, true) ? Kind.Integers : Kind.Floats;
    if (!this.startValue(kind)) return;
    if (kind == Kind.Integers) this.example.appendInteger(integerValue);
    else {
      const value = decimalToF32();
      if (!isFinite<f32>(value) || (integral && decimalToInteger(64, false))) this.fail(TOO_LARGE);
      this.example.appendFloat(value);
    }
    this.endValue();
  }

  protected notFinite(): void {
    if (!this.startValue(Kind.Floats)) return;
    this.example.appendFloat(<f32>nonFiniteValue);
    this.endValue();
  }

  protected literal(letter: u8): void {
    if (!this.startValue(letter == Char.n ? Kind.None : Kind.Integers)) return;
    this.example.appendInteger(<i64>(letter == Char.t));
    this.endValue();
  }

  protected elements(at: usize, _to: usize): usize {
    return at;
  }

  protected longText(): bool {
    const role = <Role>this.role;
    if (role == Role.Request || role == Role.Examples) return false;
    if (role == Role.Base64) this.base64.begin();
    if (!this.example.expect(Kind.Bytes)) this.fail(MIXED);
    this.example.startText();
    return true;
  }

  protected get textTarget(): SlabChain {
    return this.example.values;
  }

  protected textOver(wasBase64: bool): void {
    this.example.endText();
    if (wasBase64) this.member = Member.Decoded;
    this.endValue();
  }
}
