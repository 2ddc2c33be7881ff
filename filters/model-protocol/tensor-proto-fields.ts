/**
 * Field numbers of the messages of TensorFlow Serving's Predict: `tensorflow.TensorProto`, `TensorShapeProto`
 * (tensorflow/core/framework/tensor.proto, tensor_shape.proto), and those around them.
 */

/** Every request has a `ModelSpec` as this field. */
export const MODEL_SPEC: i32 = 1;
export const PREDICT_INPUTS: i32 = 2;
export const PREDICT_OUTPUT_FILTER: i32 = 3;
export const PREDICT_OUTPUTS: i32 = 1;

export const SPEC_NAME: i32 = 1;
export const SPEC_VERSION: i32 = 2;
export const SPEC_SIGNATURE_NAME: i32 = 3;
export const SPEC_VERSION_LABEL: i32 = 4;
/** Of `google.protobuf.Int64Value`. */
export const INT64_VALUE: i32 = 1;

export const DTYPE: i32 = 1;
export const SHAPE: i32 = 2;
export const CONTENT: i32 = 4;
export const FLOAT_VAL: i32 = 5;
export const DOUBLE_VAL: i32 = 6;
export const INT_VAL: i32 = 7;
export const STRING_VAL: i32 = 8;
export const INT64_VAL: i32 = 10;
export const BOOL_VAL: i32 = 11;
export const HALF_VAL: i32 = 13;
export const UINT32_VAL: i32 = 16;
export const UINT64_VAL: i32 = 17;

export const SHAPE_DIM: i32 = 2;
export const DIM_SIZE: i32 = 1;
