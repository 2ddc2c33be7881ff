import { bytes } from "../../sdk/bytes/bytes";

/** What may be wrong with a Predict request, beside its grammar. */

export const NO_DATA = bytes("instances or inputs is required");
export const BOTH = bytes("there may be instances or inputs, not both");
export const NO_ROWS = bytes("instances must not be empty");
export const NO_SUCH_SIGNATURE = bytes("the task has no such signature");
export const NO_SUCH_INPUT = bytes("the signature has no input of that name");
export const NAMES_NEEDED = bytes("the signature has several inputs: they must be named");
export const MISSING_INPUT = bytes("each input of the signature is required, in each instance");
export const RAGGED = bytes("nested lists must be of equal length, in all instances");
export const OUT_OF_RANGE = bytes("a value does not fit the type that the signature says");
export const NOT_A_STRING = bytes("the signature says strings");
export const MIXED = bytes("instances must be all objects or none");
