import { bytes } from "../../sdk/bytes/bytes";

/** What may be wrong with an inference request, beside its grammar. */

export const BAD_SEQUENCE_ID = bytes(
  "sequence_id must be an integer of 0 to 18446744073709551615, or a string",
);
export const SHARED_MEMORY = bytes(
  "shared memory is the caller's own machine's: a gateway can't reach it; send the data, or binary_data_size and the data behind the JSON",
);
export const BAD_SHAPE = bytes("shape must be a list of non-negative integers, at most 32");
export const RAGGED = bytes("nested lists of data must be of equal length");
export const NOT_A_STRING = bytes("data must be strings");
export const BAD_TEXT = bytes("a string of data is malformed");
export const UNKNOWN_DATATYPE = bytes(
  "datatype must be BOOL, UINT8 to UINT64, INT8 to INT64, FP16, BF16, FP32, FP64 or BYTES",
);
export const INCOMPLETE_INPUT = bytes(
  "an input needs name, shape, datatype, and either data or binary_data_size",
);
export const INCOMPLETE_OUTPUT = bytes("an output needs a name");
export const BINARY_SIZE = bytes("binary_data_size does not fit shape and datatype");
export const BAD_PARAMETER = bytes(
  "a parameter must be a boolean, a number in the range of double, or a string",
);
export const NO_INPUTS = bytes("inputs is required");
export const TOO_MUCH = bytes("names, shapes and parameters are over 1 MiB");
