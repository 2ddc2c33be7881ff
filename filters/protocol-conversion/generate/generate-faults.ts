import { bytes } from "../../sdk/bytes/bytes";

/** What may be wrong with a request of the generate extension, beside its grammar. */

export const NOT_OF_DATATYPE = bytes("a value does not have the datatype of the model's input");
export const NO_SHAPE = bytes("the number of values does not fit the shape of the model's input");
export const PARAMETERS_TAKEN = bytes(
  "the model has an input named parameters, which the generate extension keeps for an object",
);
