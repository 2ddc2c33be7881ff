import { Datatype } from "../../model-protocol/datatype";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { SlabChain } from "../body/slabs";
import { InputData } from "../open-inference/input-data";
import { RequestTensor } from "../open-inference/request-tensor";
import { appendNonFinite, appendNumberElement } from "../tensor/append-element";
import { MAX_RANK } from "../tensor/nesting";
import { MOST_INPUTS, ModelInput } from "./model-description";

const NONE: ModelInput = new ModelInput(bytes(""), Datatype.Unknown, new StaticArray<i64>(0));

/** Sizes of the tensor at hand. */
const sizes: StaticArray<i64> = new StaticArray<i64>(MAX_RANK);

/** The input of a generate request that is being read, and which inputs came before it. */
export class GenerateInput {
  readonly data: InputData = new InputData();
  private readonly tensor: RequestTensor = new RequestTensor();
  private described: ModelInput = NONE;
  /** Of each input: did it come? */
  private readonly seen: StaticArray<bool> = new StaticArray<bool>(MOST_INPUTS);

  /** Makes it ready for a request to a model of `count` inputs. */
  reset(count: i32): void {
    memory.fill(changetype<usize>(this.seen), 0, count);
    this.described = NONE;
  }

  /** The input number `index` begins. @returns false when it came before */
  begin(input: ModelInput, index: i32): bool {
    this.described = input;
    this.data.reset();
    const again = this.seen[index];
    this.seen[index] = true;
    return !again;
  }

  get name(): Bytes {
    return this.described.name;
  }

  get datatype(): Datatype {
    return this.described.datatype;
  }

  /** Appends the number that `parseNumber` read. @returns false when it does not fit the datatype */
  appendNumber(out: SlabChain): bool {
    return appendNumberElement(this.datatype, out);
  }

  appendNonFinite(value: f64, out: SlabChain): bool {
    return appendNonFinite(this.datatype, value, out);
  }

  appendBoolean(value: bool, out: SlabChain): bool {
    if (this.datatype != Datatype.BOOL) return false;
    out.appendByte(<u8>value);
    return true;
  }

  /**
   * The input is over, with `count` elements: appends it to a `ModelInferRequest`, but for its data. As in
   * Triton its fixed dimensions take their part of the elements, the innermost free one what is left, and
   * other free ones are 1.
   * @returns false when that does not come out even
   */
  finish(count: i64, head: ByteBuffer): bool {
    const shape = this.described.shape;
    let left = count;
    for (let i = shape.length - 1; i >= 0; i--) {
      const size = shape[i];
      sizes[i] = size;
      if (size < 0) continue;
      if (size == 0 ? left != 0 : left % size != 0) return false;
      if (size > 0) left /= size;
    }
    for (let i = shape.length - 1; i >= 0; i--) {
      if (shape[i] >= 0) continue;
      sizes[i] = left;
      left = 1;
    }
    if (left != 1) return false;
    const tensor = this.tensor;
    tensor.clear();
    tensor.setName(this.name.ptr, this.name.len);
    tensor.datatype = this.datatype;
    tensor.rank = 0;
    for (let i = 0; i < shape.length; i++) tensor.addDimension(sizes[i]);
    tensor.appendInput(head);
    return true;
  }
}
