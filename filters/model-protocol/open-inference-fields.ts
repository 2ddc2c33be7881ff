/** Field numbers of the messages in proto/open_inference.proto. */

export const REQUEST_MODEL_NAME: i32 = 1;
export const REQUEST_MODEL_VERSION: i32 = 2;
export const REQUEST_ID: i32 = 3;
export const REQUEST_PARAMETERS: i32 = 4;
export const REQUEST_INPUTS: i32 = 5;
export const REQUEST_OUTPUTS: i32 = 6;
export const REQUEST_RAW_CONTENTS: i32 = 7;

export const RESPONSE_MODEL_NAME: i32 = 1;
export const RESPONSE_MODEL_VERSION: i32 = 2;
export const RESPONSE_ID: i32 = 3;
export const RESPONSE_PARAMETERS: i32 = 4;
export const RESPONSE_OUTPUTS: i32 = 5;
export const RESPONSE_RAW_CONTENTS: i32 = 6;

/** An input of a request and an output of a response have the same fields. */
export const TENSOR_NAME: i32 = 1;
export const TENSOR_DATATYPE: i32 = 2;
export const TENSOR_SHAPE: i32 = 3;
export const TENSOR_PARAMETERS: i32 = 4;
export const TENSOR_CONTENTS: i32 = 5;

/** A requested output. */
export const OUTPUT_NAME: i32 = 1;
export const OUTPUT_PARAMETERS: i32 = 2;

export const CONTENTS_BOOL: i32 = 1;
export const CONTENTS_INT: i32 = 2;
export const CONTENTS_INT64: i32 = 3;
export const CONTENTS_UINT: i32 = 4;
export const CONTENTS_UINT64: i32 = 5;
export const CONTENTS_FP32: i32 = 6;
export const CONTENTS_FP64: i32 = 7;
export const CONTENTS_BYTES: i32 = 8;

export const PARAMETER_BOOL: i32 = 1;
export const PARAMETER_INT64: i32 = 2;
export const PARAMETER_STRING: i32 = 3;
export const PARAMETER_DOUBLE: i32 = 4;
export const PARAMETER_UINT64: i32 = 5;

/** An entry of a map. */
export const ENTRY_KEY: i32 = 1;
export const ENTRY_VALUE: i32 = 2;

/** `ModelStreamInferResponse`. */
export const STREAM_ERROR: i32 = 1;
export const STREAM_RESPONSE: i32 = 2;
