import { Datatype, datatypeName, elementSize } from "../../model-protocol/datatype";
import {
  OUTPUT_NAME,
  REQUEST_INPUTS,
  REQUEST_OUTPUTS,
  TENSOR_DATATYPE,
  TENSOR_NAME,
  TENSOR_SHAPE,
} from "../../model-protocol/open-inference-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { appendField, appendVarint } from "../../sdk/bytes/protobuf";
import { MAX_RANK, Nesting } from "../tensor/nesting";
import { rawTensor } from "../tensor/raw-tensor";

const SHAPE_MISMATCH = bytes("data does not have as many elements as shape says");
const NESTING_MISMATCH = bytes("data must be flat, or nested as shape says");

/** Scratch, used within one call. */
const message: ByteBuffer = new ByteBuffer();
const sizes: ByteBuffer = new ByteBuffer();

/** What the JSON says of the input or output that is open. */
export class RequestTensor {
  readonly name: ByteBuffer = new ByteBuffer();
  /** Entries of the map `parameters`, as fields of the message. */
  readonly parameters: ByteBuffer = new ByteBuffer();
  datatype: Datatype = Datatype.Unknown;
  private readonly shape: StaticArray<i64> = new StaticArray<i64>(MAX_RANK);
  /** -1 while no shape came. */
  rank: i32 = -1;

  clear(): void {
    this.name.clear();
    this.parameters.clear();
    this.datatype = Datatype.Unknown;
    this.rank = -1;
  }

  /** Gives back the memory of parameters that took more than `kept` bytes. */
  release(kept: i32): void {
    if (this.parameters.allocated > kept) this.parameters.free();
  }

  setName(ptr: usize, len: i32): void {
    this.name.clear();
    this.name.append(ptr, len);
  }

  /** @returns false when there are as many dimensions as may be */
  addDimension(size: i64): bool {
    if (this.rank == MAX_RANK) return false;
    this.shape[this.rank++] = size;
    return true;
  }

  /** Makes it `rawTensor`. */
  setRaw(): void {
    this.clear();
    this.setName(rawTensor.name.ptr, rawTensor.name.len);
    this.datatype = rawTensor.datatype;
    this.rank = rawTensor.rank;
    for (let i = 0; i < this.rank; i++) this.shape[i] = rawTensor.shape[i];
  }

  /** Is all there that an input needs, data aside? */
  get isComplete(): bool {
    return this.name.len > 0 && this.rank >= 0 && this.datatype != Datatype.Unknown;
  }

  /** May its raw contents have `length` bytes? Of BYTES any number. */
  holds(length: i64): bool {
    const size = elementSize(this.datatype);
    return size == 0 || this.product * <f64>size == <f64>length;
  }

  /** Elements that the shape says. */
  get product(): f64 {
    let product: f64 = 1;
    for (let i = 0; i < this.rank; i++) product *= <f64>this.shape[i];
    return product;
  }

  /**
   * Does the shape fit `count` elements in lists that nest so? Flat data have as many elements as it says,
   * nested data its very lengths. @returns what is wrong, or null
   */
  misfit(nesting: Nesting, count: i64): Bytes | null {
    const fits = this.product == <f64>count;
    if (nesting.levels == 1) return fits ? null : SHAPE_MISMATCH;
    let same = nesting.levels == this.rank || (this.product == 0 && nesting.levels < this.rank);
    for (let i = 0; i < nesting.levels && same; i++) same = <i64>nesting.length(i) == this.shape[i];
    if (same) return null;
    return fits ? NESTING_MISMATCH : SHAPE_MISMATCH;
  }

  /** Appends it to a `ModelInferRequest` as an input, but for its data. */
  appendInput(out: ByteBuffer): void {
    message.clear();
    appendField(message, TENSOR_NAME, this.name.ptr, this.name.len);
    const datatype = datatypeName(this.datatype);
    appendField(message, TENSOR_DATATYPE, datatype.ptr, datatype.len);
    sizes.clear();
    for (let i = 0; i < this.rank; i++) appendVarint(sizes, this.shape[i]);
    appendField(message, TENSOR_SHAPE, sizes.ptr, sizes.len);
    message.append(this.parameters.ptr, this.parameters.len);
    appendField(out, REQUEST_INPUTS, message.ptr, message.len);
  }

  /** Appends it as a requested output. */
  appendOutput(out: ByteBuffer): void {
    message.clear();
    appendField(message, OUTPUT_NAME, this.name.ptr, this.name.len);
    message.append(this.parameters.ptr, this.parameters.len);
    appendField(out, REQUEST_OUTPUTS, message.ptr, message.len);
  }
}
