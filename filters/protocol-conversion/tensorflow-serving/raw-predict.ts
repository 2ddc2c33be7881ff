import { ENTRY_KEY, ENTRY_VALUE } from "../../model-protocol/open-inference-fields";
import {
  CONTENT,
  DIM_SIZE,
  DTYPE,
  MODEL_SPEC,
  PREDICT_INPUTS,
  SHAPE,
  SHAPE_DIM,
} from "../../model-protocol/tensor-proto-fields";
import { dataTypeOf } from "../../model-protocol/tensorflow-datatype";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import {
  appendField,
  appendTag,
  appendVarint,
  fieldSize,
  LENGTH_DELIMITED,
  VARINT,
} from "../../sdk/bytes/protobuf";
import { RawContents } from "../tensor/raw-contents";
import { rawTensor } from "../tensor/raw-tensor";

/** A raw tensor -> `tensorflow.serving.PredictRequest` whose content is the body itself, uncopied. */

const tensor: ByteBuffer = new ByteBuffer();
const shape: ByteBuffer = new ByteBuffer();
const dim: ByteBuffer = new ByteBuffer();

/**
 * Makes `contents` the request of `rawTensor`, whose bytes pass by; it keeps `head`.
 * @returns false for a data type that has no such content
 */
export function startRawPredict(contents: RawContents, head: ByteBuffer, spec: ByteBuffer): bool {
  head.clear();
  contents.release();
  contents.enclose(head, CONTENT);
  contents.add(rawTensor.size);
  return appendMessage(head, spec);
}

/** Writes the message of `rawTensor` up to the tag of its content. */
function appendMessage(head: ByteBuffer, spec: ByteBuffer): bool {
  const dataType = dataTypeOf(rawTensor.datatype);
  if (dataType == 0) return false;
  tensor.clear();
  appendTensorHead(tensor, dataType);
  const length = tensor.len + fieldSize(CONTENT, rawTensor.size);
  appendOneInput(head, spec, rawTensor.name.ptr, rawTensor.name.len, length);
  head.append(tensor.ptr, tensor.len);
  return true;
}

/** Writes data type and shape of `rawTensor`, with which its `TensorProto` begins. */
export function appendTensorHead(out: ByteBuffer, dataType: i32): void {
  shape.clear();
  for (let i = 0; i < rawTensor.rank; i++) {
    dim.clear();
    appendTag(dim, DIM_SIZE, VARINT);
    appendVarint(dim, rawTensor.shape[i]);
    appendField(shape, SHAPE_DIM, dim.ptr, dim.len);
  }
  appendTag(out, DTYPE, VARINT);
  appendVarint(out, dataType);
  appendField(out, SHAPE, shape.ptr, shape.len);
}

/** Writes a `PredictRequest` of one input up to its tensor of `length` bytes. */
export function appendOneInput(head: ByteBuffer, spec: ByteBuffer, name: usize, len: i32, length: i64): void {
  appendField(head, MODEL_SPEC, spec.ptr, spec.len);
  appendTag(head, PREDICT_INPUTS, LENGTH_DELIMITED);
  appendVarint(head, fieldSize(ENTRY_KEY, len) + fieldSize(ENTRY_VALUE, length));
  appendField(head, ENTRY_KEY, name, len);
  appendTag(head, ENTRY_VALUE, LENGTH_DELIMITED);
  appendVarint(head, length);
}
