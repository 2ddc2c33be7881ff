import { ByteBuffer } from "../../sdk/byte-buffer";
import {
  appendField,
  appendTag,
  appendVarint,
  fieldSize,
  LENGTH_DELIMITED,
  VARINT,
} from "../../sdk/protobuf";
import { rawTensor } from "../raw-tensor";
import { dataTypeOf } from "./data-type";

/** A raw tensor -> `tensorflow.serving.PredictRequest` whose content is the body itself, uncopied. */

const MODEL_SPEC: i32 = 1;
const INPUTS: i32 = 2;
const ENTRY_KEY: i32 = 1;
const ENTRY_VALUE: i32 = 2;
const DTYPE: i32 = 1;
const SHAPE: i32 = 2;
export const TENSOR_CONTENT: i32 = 4;
const SHAPE_DIM: i32 = 2;
const DIM_SIZE: i32 = 1;

const tensor: ByteBuffer = new ByteBuffer();
const shape: ByteBuffer = new ByteBuffer();
const dim: ByteBuffer = new ByteBuffer();

/** Writes the message of `rawTensor` up to the tag of its content. @returns false for a data type that TensorFlow lacks as such */
export function appendRawPredict(head: ByteBuffer, spec: ByteBuffer): bool {
  const dataType = dataTypeOf(rawTensor.datatype);
  if (dataType == 0) return false;
  shape.clear();
  for (let i = 0; i < rawTensor.rank; i++) {
    dim.clear();
    appendTag(dim, DIM_SIZE, VARINT);
    appendVarint(dim, rawTensor.shape[i]);
    appendField(shape, SHAPE_DIM, dim.ptr, dim.len);
  }
  tensor.clear();
  appendTag(tensor, DTYPE, VARINT);
  appendVarint(tensor, dataType);
  appendField(tensor, SHAPE, shape.ptr, shape.len);
  const length = tensor.len + fieldSize(TENSOR_CONTENT, rawTensor.size);
  const name = rawTensor.name;
  appendField(head, MODEL_SPEC, spec.ptr, spec.len);
  appendTag(head, INPUTS, LENGTH_DELIMITED);
  appendVarint(head, fieldSize(ENTRY_KEY, name.len) + fieldSize(ENTRY_VALUE, length));
  appendField(head, ENTRY_KEY, name.ptr, name.len);
  appendTag(head, ENTRY_VALUE, LENGTH_DELIMITED);
  appendVarint(head, length);
  head.append(tensor.ptr, tensor.len);
  return true;
}
