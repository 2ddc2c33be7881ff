import { STRING_VAL } from "../../model-protocol/tensor-proto-fields";
import { DT_STRING } from "../../model-protocol/tensorflow-datatype";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { appendTag, appendVarint, LENGTH_DELIMITED } from "../../sdk/bytes/protobuf";
import { PieceSink, startRequestFrame } from "../body/piece-sink";
import { RequestReader } from "../body/request-reader";
import { SlabChain } from "../body/slabs";
import { rawTensor } from "../tensor/raw-tensor";
import { appendOneInput, appendTensorHead } from "./raw-predict";

/**
 * A raw tensor of BYTES, each element with its length in four bytes before it (little-endian, as in binary
 * tensor data of the Open Inference Protocol) -> `tensorflow.serving.PredictRequest` with an input of
 * DT_STRING.
 */

const LENGTH_BYTES: i32 = 4;

const TOO_LONG = bytes("an element is longer than the rest of the body");
const ENDS_EARLY = bytes("the body ends within an element");
const WRONG_COUNT = bytes("the body does not have as many elements as the shape says");

const piece: ByteBuffer = new ByteBuffer();
const message: ByteBuffer = new ByteBuffer();

export class RawStringsRequest extends RequestReader {
  private readonly spec: ByteBuffer = new ByteBuffer();
  private readonly name: ByteBuffer = new ByteBuffer();
  /** `TensorProto` but for its strings. */
  private readonly tensor: ByteBuffer = new ByteBuffer();
  /** The fields `string_val`. */
  private readonly strings: SlabChain = new SlabChain();
  /** Bytes left of the body, and of the element that is open. */
  private left: i64 = 0;
  private elementLeft: i64 = 0;
  /** Elements to come. */
  private missing: f64 = 0;

  /** Makes it the request of `rawTensor`. */
  reset(spec: ByteBuffer): void {
    this.release();
    this.error = null;
    this.errorOffset = -1;
    this.spec.clear();
    this.spec.append(spec.ptr, spec.len);
    this.name.clear();
    this.name.append(rawTensor.name.ptr, rawTensor.name.len);
    this.tensor.clear();
    appendTensorHead(this.tensor, DT_STRING);
    this.left = rawTensor.size;
    this.elementLeft = 0;
    this.missing = 1;
    for (let i = 0; i < rawTensor.rank; i++) this.missing *= <f64>rawTensor.shape[i];
  }

  get isJson(): bool {
    return false;
  }

  release(): void {
    this.strings.release();
  }

  parse(from: usize, to: usize): usize {
    let at = from;
    while (true) {
      const here = <i32>min<i64>(this.elementLeft, <i64>(to - at));
      this.strings.append(at, here);
      this.elementLeft -= here;
      this.left -= here;
      at += here;
      if (<i32>(to - at) < LENGTH_BYTES) return at;
      const length = <i64>load<u32>(at);
      this.left -= LENGTH_BYTES;
      if (length > this.left) this.fail(TOO_LONG);
      if (--this.missing < 0) this.fail(WRONG_COUNT);
      if (this.error != null) return 0;
      piece.clear();
      appendTag(piece, STRING_VAL, LENGTH_DELIMITED);
      appendVarint(piece, length);
      this.strings.append(piece.ptr, piece.len);
      this.elementLeft = length;
      at += LENGTH_BYTES;
    }
  }

  finish(): bool {
    if (this.left > 0 || this.elementLeft > 0) this.fail(ENDS_EARLY);
    if (this.missing > 0) this.fail(WRONG_COUNT);
    return this.error == null;
  }

  write(sink: PieceSink): void {
    message.clear();
    const length = <i64>this.tensor.len + this.strings.length;
    appendOneInput(message, this.spec, this.name.ptr, this.name.len, length);
    startRequestFrame(piece, message.len + length);
    piece.append(message.ptr, message.len);
    piece.append(this.tensor.ptr, this.tensor.len);
    sink.piece(piece.ptr, piece.len);
    sink.pieces(this.strings);
  }

  appendPath(_out: ByteBuffer): void {}
}
