import { Datatype } from "../../model-protocol/datatype";
import { Bytes } from "../../sdk/bytes/bytes";

/** Most inputs of a model that is called without a description of its own in each request. */
export const MOST_INPUTS: i32 = 256;

/** An input as the model server describes it. */
export class ModelInput {
  constructor(
    readonly name: Bytes,
    readonly datatype: Datatype,
    /** -1 for a dimension of any size; with that of the batch. */
    readonly shape: StaticArray<i64>,
  ) {}
}

/** What a model takes, and how it answers. */
export class ModelDescription {
  readonly inputs: ModelInput[] = [];
  /** May it answer a request any number of times? Then only a stream may call it. */
  decoupled: bool = false;

  /** @returns the index of the input of this name, -1 when there is none */
  find(ptr: usize, len: i32): i32 {
    const inputs = this.inputs;
    for (let i = 0; i < inputs.length; i++) if (unchecked(inputs[i]).name.equals(ptr, len)) return i;
    return -1;
  }
}
