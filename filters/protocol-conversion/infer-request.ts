import { ByteBuffer } from "../sdk/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes";
import { Slice } from "../sdk/headers";
import { appendUnescaped, stringEnd } from "../sdk/json-string";
import { appendField, appendTag, appendVarint, LENGTH_DELIMITED, varintSize } from "../sdk/protobuf";
import { Datatype, elementSize, parseDatatype } from "./datatype";
import { decimalToF32, decimalToI64, i64Value, parseNumber } from "./numbers/decimal";
import { SlabChain } from "./slabs";

/**
 * `POST /v2/models/{model}/infer` of the Open Inference Protocol -> `inference.ModelInferRequest`, parsed as the bytes
 * arrive. Numbers go straight into little-endian tensor bytes. The JSON grammar is RFC 8259; unknown members are
 * checked and ignored.
 */

/** What the grammar allows next. */
enum Expect {
  Value,
  FirstElement,
  FirstKey,
  Key,
  Colon,
  CommaOrClose,
  Nothing,
}

/** What an open object or array means. */
enum Role {
  Ignored,
  Request,
  Inputs,
  Input,
  Shape,
  Data,
  Outputs,
  Output,
}

/** What the value after a key means. */
enum Member {
  Ignored,
  Id,
  Inputs,
  Outputs,
  Name,
  Datatype,
  Shape,
  Data,
}

const MAX_DEPTH: i32 = 32;

const ID = bytes("id");
const INPUTS = bytes("inputs");
const OUTPUTS = bytes("outputs");
const NAME = bytes("name");
const DATATYPE = bytes("datatype");
const SHAPE = bytes("shape");
const DATA = bytes("data");
const TRUE = bytes("true");
const FALSE = bytes("false");
const NULL = bytes("null");

export const JSON_MALFORMED = bytes("malformed JSON");
const TOO_DEEP = bytes("nested too deeply");
const NOT_A_NUMBER = bytes("data must be numbers");
const OUT_OF_RANGE = bytes("a number does not fit the datatype");
const BAD_SHAPE = bytes("shape must be a list of non-negative integers");
const SHAPE_MISMATCH = bytes("data does not have as many elements as shape says");
const UNKNOWN_DATATYPE = bytes("datatype must be FP32 or INT64");
const INCOMPLETE_INPUT = bytes("an input needs name, shape, datatype and data");
const WRONG_TYPE = bytes("a member has the wrong type");
const NO_INPUTS = bytes("inputs is required");
export const TRUNCATED = bytes("the JSON ends too early");

/** Fields of the messages; see proto/open_inference_grpc.proto. */
const REQUEST_MODEL_NAME: i32 = 1;
const REQUEST_MODEL_VERSION: i32 = 2;
const REQUEST_ID: i32 = 3;
const REQUEST_INPUTS: i32 = 5;
const REQUEST_OUTPUTS: i32 = 6;
const REQUEST_RAW_CONTENTS: i32 = 7;
const TENSOR_NAME: i32 = 1;
const TENSOR_DATATYPE: i32 = 2;
const TENSOR_SHAPE: i32 = 3;

/** Scratch for one string or one tensor's message; used within one call. */
const text: ByteBuffer = new ByteBuffer();
const message: ByteBuffer = new ByteBuffer();

export class InferRequest {
  /** Why parsing failed; null while it did not. */
  error: Bytes | null = null;
  /** Where it failed, counted from the start of the body. */
  errorOffset: i64 = 0;

  /** The message but for raw contents. */
  private readonly head: ByteBuffer = new ByteBuffer();
  private readonly tensors: SlabChain[] = [];
  private tensorCount: i32 = 0;
  /** Offset in the body of the window's first byte. */
  private consumed: i64 = 0;

  private expect: Expect = Expect.Value;
  private depth: i32 = 0;
  private readonly roles: StaticArray<u8> = new StaticArray<u8>(MAX_DEPTH);
  /** Bit d: is the container at depth d an object? */
  private objects: u32 = 0;
  private member: Member = Member.Ignored;
  private sawInputs: bool = false;

  /** The input or output that is open. */
  private readonly name: ByteBuffer = new ByteBuffer();
  private readonly shape: ByteBuffer = new ByteBuffer();
  private readonly datatypeName: ByteBuffer = new ByteBuffer();
  private datatype: Datatype = Datatype.Unknown;
  private hasData: bool = false;
  private hasShape: bool = false;
  private product: f64 = 1;
  private elements: i64 = 0;
  /** Text of `data` that came before its datatype was known. */
  private readonly deferred: ByteBuffer = new ByteBuffer();

  /** Makes it ready for a new request; names come from the path. */
  reset(model: Slice, version: Slice): void {
    this.release();
    this.error = null;
    this.consumed = 0;
    this.expect = Expect.Value;
    this.depth = 0;
    this.objects = 0;
    this.member = Member.Ignored;
    this.sawInputs = false;
    this.head.clear();
    appendField(this.head, REQUEST_MODEL_NAME, model.ptr, model.len);
    if (version.len > 0) appendField(this.head, REQUEST_MODEL_VERSION, version.ptr, version.len);
  }

  /** Gives back the memory of the tensors. */
  release(): void {
    for (let i = 0; i < this.tensorCount; i++) this.tensors[i].release();
    this.tensorCount = 0;
    if (this.deferred.allocated > 0) this.deferred.free();
  }

  /**
   * Parses [from, to). @returns the first byte it could not use yet because a token may go on in the next chunk, or 0
   * on an error. Up to 16 bytes behind `to` must be readable.
   */
  parse(from: usize, to: usize): usize {
    const stop = this.run(from, to);
    if (this.error == null) {
      this.consumed += <i64>(stop - from);
      return stop;
    }
    this.errorOffset = this.consumed + <i64>(stop - from);
    return 0;
  }

  /** The body is over and all of it was consumed. @returns false when the request is not complete. */
  finish(): bool {
    if (this.expect == Expect.Nothing) {
      if (!this.sawInputs) this.error = NO_INPUTS;
    } else {
      this.error = TRUNCATED;
      this.errorOffset = this.consumed;
    }
    return this.error == null;
  }

  private fail(at: usize, why: Bytes): usize {
    if (this.error == null) this.error = why;
    return at;
  }

  private run(from: usize, to: usize): usize {
    let at = from;
    while (at < to) {
      const c = load<u8>(at);
      if (c == 0x20 || c == 0x0a || c == 0x0d || c == 0x09) {
        at++;
        continue;
      }
      const before = at;
      if (this.expect <= Expect.FirstElement) at = this.value(c, at, to);
      else if (this.expect == Expect.CommaOrClose) at = this.commaOrClose(c, at);
      else if (this.expect == Expect.Colon) {
        if (c != 0x3a) return this.fail(at, JSON_MALFORMED);
        this.expect = Expect.Value;
        at++;
      } else if (this.expect == Expect.Nothing) return this.fail(at, JSON_MALFORMED);
      else at = this.key(c, at, to);
      if (this.error != null || at == before) return at;
    }
    return at;
  }

  private get role(): Role {
    return this.depth == 0 ? Role.Ignored : <Role>this.roles[this.depth - 1];
  }

  private value(c: u8, at: usize, to: usize): usize {
    const role = this.role;
    if (c == 0x7b || c == 0x5b) return this.open(c == 0x7b, at);
    if (c == 0x5d && this.expect == Expect.FirstElement) return this.close(at);
    if (role == Role.Data) {
      if (c != 0x2d && c - 0x30 >= 10) return this.fail(at, NOT_A_NUMBER);
      return this.datatype == Datatype.Unknown ? this.deferNumbers(at, to) : this.numbers(at, to);
    }
    if (this.depth == 0) return this.fail(at, c == 0x22 ? WRONG_TYPE : JSON_MALFORMED);
    if (c == 0x22) return this.stringValue(at, to);
    return this.scalar(c, at, to);
  }

  private open(object: bool, at: usize): usize {
    const role = this.roleOfChild(object);
    if (this.depth == MAX_DEPTH) return this.fail(at, TOO_DEEP);
    if (this.error != null) return at;
    this.roles[this.depth] = <u8>role;
    if (object) this.objects |= 1 << this.depth;
    else this.objects &= ~(1 << this.depth);
    this.depth++;
    this.expect = object ? Expect.FirstKey : Expect.FirstElement;
    if (role == Role.Input || role == Role.Output) this.startTensor();
    return at + 1;
  }

  /** The meaning of a container that opens here; records an error where none of its kind may stand. */
  private roleOfChild(object: bool): Role {
    if (this.depth == 0) return this.require(object, true, Role.Request);
    const parent = this.role;
    if (parent == Role.Inputs) return this.require(object, true, Role.Input);
    if (parent == Role.Outputs) return this.require(object, true, Role.Output);
    if (parent == Role.Data) return this.require(object, false, Role.Data);
    if (parent == Role.Shape) return this.require(true, false, Role.Shape);
    if (parent == Role.Ignored) return Role.Ignored;
    const member = this.member;
    if (member == Member.Inputs) {
      if (this.sawInputs) this.error = JSON_MALFORMED;
      this.sawInputs = true;
      return this.require(object, false, Role.Inputs);
    }
    if (member == Member.Outputs) return this.require(object, false, Role.Outputs);
    if (member == Member.Shape) {
      if (this.hasShape) this.error = JSON_MALFORMED;
      this.hasShape = true;
      return this.require(object, false, Role.Shape);
    }
    if (member == Member.Data) {
      if (this.hasData) this.error = JSON_MALFORMED;
      this.hasData = true;
      this.startData();
      return this.require(object, false, Role.Data);
    }
    if (member != Member.Ignored) this.error = WRONG_TYPE;
    return Role.Ignored;
  }

  private require(object: bool, wanted: bool, role: Role): Role {
    if (object != wanted) this.error = WRONG_TYPE;
    return role;
  }

  private commaOrClose(c: u8, at: usize): usize {
    const object = (this.objects & (1 << (this.depth - 1))) != 0;
    if (c == 0x2c) {
      this.expect = object ? Expect.Key : Expect.Value;
      if (this.role == Role.Data && this.datatype == Datatype.Unknown) this.deferred.appendByte(0x2c);
      return at + 1;
    }
    if (c != (object ? 0x7d : 0x5d)) return this.fail(at, JSON_MALFORMED);
    return this.close(at);
  }

  private close(at: usize): usize {
    const role = this.role;
    this.depth--;
    this.expect = this.depth == 0 ? Expect.Nothing : Expect.CommaOrClose;
    if (role == Role.Input) this.finishInput();
    else if (role == Role.Output) this.finishOutput();
    return this.error == null ? at + 1 : at;
  }

  private key(c: u8, at: usize, to: usize): usize {
    if (c == 0x7d && this.expect == Expect.FirstKey) return this.close(at);
    if (c != 0x22) return this.fail(at, JSON_MALFORMED);
    const end = this.readString(at, to);
    if (end == at) return at;
    this.member = this.memberOf(this.role);
    this.expect = Expect.Colon;
    return end;
  }

  private memberOf(role: Role): Member {
    const ptr = text.ptr;
    const len = text.len;
    if (role == Role.Request) {
      if (INPUTS.equals(ptr, len)) return Member.Inputs;
      if (OUTPUTS.equals(ptr, len)) return Member.Outputs;
      if (ID.equals(ptr, len)) return Member.Id;
    } else if (role == Role.Input || role == Role.Output) {
      if (NAME.equals(ptr, len)) return Member.Name;
      if (role == Role.Output) return Member.Ignored;
      if (DATATYPE.equals(ptr, len)) return Member.Datatype;
      if (SHAPE.equals(ptr, len)) return Member.Shape;
      if (DATA.equals(ptr, len)) return Member.Data;
    }
    return Member.Ignored;
  }

  /** Reads the string at `at` into `text`. @returns the byte after it, or `at` when it is incomplete or malformed. */
  private readString(at: usize, to: usize): usize {
    const quote = stringEnd(at, to);
    if (quote == 0) return at;
    text.clear();
    if (!appendUnescaped(text, at + 1, quote)) return this.fail(at, JSON_MALFORMED);
    return quote + 1;
  }

  private stringValue(at: usize, to: usize): usize {
    const role = this.role;
    if (role == Role.Inputs || role == Role.Outputs) return this.fail(at, WRONG_TYPE);
    if (role == Role.Shape) return this.fail(at, BAD_SHAPE);
    const end = this.readString(at, to);
    if (end == at) return at;
    this.expect = Expect.CommaOrClose;
    if (role == Role.Ignored) return end;
    const member = this.member;
    if (member == Member.Id) appendField(this.head, REQUEST_ID, text.ptr, text.len);
    else if (member == Member.Name) {
      this.name.clear();
      this.name.append(text.ptr, text.len);
    } else if (member == Member.Datatype) {
      this.datatype = parseDatatype(text.ptr, text.len);
      if (this.datatype == Datatype.Unknown) return this.fail(at, UNKNOWN_DATATYPE);
      this.datatypeName.clear();
      this.datatypeName.append(text.ptr, text.len);
      if (this.hasData && !this.parseDeferred()) return at;
    } else if (member != Member.Ignored) return this.fail(at, WRONG_TYPE);
    return end;
  }

  /** A number, true, false or null outside of `data`. */
  private scalar(c: u8, at: usize, to: usize): usize {
    let end = at;
    while (end < to && isScalarByte(load<u8>(end))) end++;
    if (end == to) return at;
    const role = this.role;
    if (c == 0x2d || c - 0x30 < 10) {
      if (parseNumber(at, end) != end) return this.fail(at, JSON_MALFORMED);
      if (role == Role.Shape) {
        if (!decimalToI64() || i64Value < 0) return this.fail(at, BAD_SHAPE);
        appendVarint(this.shape, i64Value);
        this.product *= <f64>i64Value;
        this.expect = Expect.CommaOrClose;
        return end;
      }
    } else {
      const len = <i32>(end - at);
      if (!TRUE.equals(at, len) && !FALSE.equals(at, len) && !NULL.equals(at, len)) {
        return this.fail(at, JSON_MALFORMED);
      }
    }
    if (role == Role.Shape) return this.fail(at, BAD_SHAPE);
    const known =
      role != Role.Ignored && (role == Role.Inputs || role == Role.Outputs || this.member != Member.Ignored);
    if (known) return this.fail(at, WRONG_TYPE);
    this.expect = Expect.CommaOrClose;
    return end;
  }

  private startTensor(): void {
    this.name.clear();
    this.shape.clear();
    this.datatypeName.clear();
    this.deferred.clear();
    this.datatype = Datatype.Unknown;
    this.hasData = false;
    this.hasShape = false;
    this.product = 1;
    this.elements = 0;
  }

  private startData(): void {
    if (this.tensorCount == this.tensors.length) this.tensors.push(new SlabChain());
    this.tensorCount++;
  }

  /** The hot loop: numbers and commas of a flat run, as far as they are complete. `at` is at a number. */
  private numbers(at: usize, to: usize): usize {
    const limit = lastSeparator(at, to);
    const wide = this.datatype == Datatype.INT64;
    const size = elementSize(this.datatype);
    const chain = this.tensors[this.tensorCount - 1];
    this.expect = Expect.Value;
    while (at < limit) {
      const after = parseNumber(at, to);
      if (after == 0) return this.fail(at, JSON_MALFORMED);
      if (chain.at == chain.end) chain.grow();
      if (wide) {
        if (!decimalToI64()) return this.fail(at, OUT_OF_RANGE);
        store<i64>(chain.at, i64Value);
      } else {
        const value = decimalToF32();
        if (!isFinite<f32>(value)) return this.fail(at, OUT_OF_RANGE);
        store<f32>(chain.at, value);
      }
      chain.at += size;
      this.elements++;
      at = after;
      if (load<u8>(at) != 0x2c || at + 1 >= limit) {
        this.expect = Expect.CommaOrClose;
        return at;
      }
      at++;
      let c = load<u8>(at);
      if (c == 0x20) c = load<u8>(++at);
      if (c != 0x2d && c - 0x30 >= 10) return at;
    }
    return at;
  }

  /** As `numbers`, while the datatype is not known yet: keeps their text. */
  private deferNumbers(at: usize, to: usize): usize {
    const limit = lastSeparator(at, to);
    if (at >= limit) return at;
    const after = parseNumber(at, to);
    if (after == 0) return this.fail(at, JSON_MALFORMED);
    this.deferred.append(at, <i32>(after - at));
    this.expect = Expect.CommaOrClose;
    return after;
  }

  private parseDeferred(): bool {
    const deferred = this.deferred;
    if (deferred.len == 0) return true;
    const expect = this.expect;
    deferred.appendByte(0x5d);
    deferred.reserve(16);
    let at = deferred.ptr;
    const end = deferred.end - 1;
    while (at < end && this.error == null) {
      if (load<u8>(at) == 0x2c) at++;
      else at = this.numbers(at, end + 1);
    }
    deferred.clear();
    this.expect = expect;
    return this.error == null;
  }

  private finishInput(): void {
    if (this.name.len == 0 || !this.hasShape || !this.hasData || this.datatype == Datatype.Unknown) {
      this.error = INCOMPLETE_INPUT;
    } else if (this.product != <f64>this.elements) this.error = SHAPE_MISMATCH;
    message.clear();
    appendField(message, TENSOR_NAME, this.name.ptr, this.name.len);
    appendField(message, TENSOR_DATATYPE, this.datatypeName.ptr, this.datatypeName.len);
    appendField(message, TENSOR_SHAPE, this.shape.ptr, this.shape.len);
    appendField(this.head, REQUEST_INPUTS, message.ptr, message.len);
  }

  private finishOutput(): void {
    message.clear();
    appendField(message, TENSOR_NAME, this.name.ptr, this.name.len);
    appendField(this.head, REQUEST_OUTPUTS, message.ptr, message.len);
  }

  /** Bytes of the whole message. */
  get messageLength(): i64 {
    let length: i64 = this.head.len;
    for (let i = 0; i < this.tensorCount; i++) {
      const size = this.tensors[i].length;
      length += 1 + varintSize(size) + size;
    }
    return length;
  }

  /** Hands the message to `sink` piece by piece, in order, behind `prefix`. */
  write(prefix: ByteBuffer, sink: PieceSink): void {
    const piece = prefix;
    piece.append(this.head.ptr, this.head.len);
    for (let i = 0; i < this.tensorCount; i++) {
      const chain = this.tensors[i];
      appendTag(piece, REQUEST_RAW_CONTENTS, LENGTH_DELIMITED);
      appendVarint(piece, chain.length);
      sink.piece(piece.ptr, piece.len);
      piece.clear();
      for (let slab = chain.firstSlab; slab != 0; slab = chain.nextSlab(slab)) {
        sink.piece(chain.slabData(slab), chain.slabLength(slab));
      }
    }
    if (piece.len > 0) sink.piece(piece.ptr, piece.len);
  }
}

/** Takes the pieces of a long message one after the other. */
export abstract class PieceSink {
  abstract piece(ptr: usize, len: i32): void;
}

function isScalarByte(c: u8): bool {
  return c - 0x30 < 10 || (c | 0x20) - 0x61 < 26 || c == 0x2d || c == 0x2b || c == 0x2e;
}

/** Last byte of [from, to) that cannot belong to a number, or `from`. A number that starts before it is complete. */
function lastSeparator(from: usize, to: usize): usize {
  let at = to;
  while (at > from) {
    at--;
    const c = load<u8>(at);
    if (c == 0x2c || c == 0x5d || c == 0x20 || c == 0x0a || c == 0x0d || c == 0x09) return at;
  }
  return from;
}
