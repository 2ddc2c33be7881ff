import { Datatype, elementSize } from "../../model-protocol/datatype";
import {
  LENGTH_DELIMITED,
  readTag,
  tagField,
  tagLength,
  tagWireType,
  VARINT,
  varint,
} from "../../sdk/bytes/protobuf";
import { Encoding } from "../tensor/element-stream";
import { MAX_RANK } from "../tensor/nesting";
import { Output } from "./output";

/** Fields of `tensorflow.TensorProto` (tensorflow/core/framework/tensor.proto). */

export const DTYPE: i32 = 1;
export const SHAPE: i32 = 2;
export const CONTENT: i32 = 4;
const FLOAT_VAL: i32 = 5;
const DOUBLE_VAL: i32 = 6;
const INT_VAL: i32 = 7;
export const STRING_VAL: i32 = 8;
const INT64_VAL: i32 = 10;
const BOOL_VAL: i32 = 11;
const HALF_VAL: i32 = 13;
const UINT32_VAL: i32 = 16;
const UINT64_VAL: i32 = 17;

/** Is a field one for elements of a data type? */
export function holdsElements(field: i32, datatype: Datatype): bool {
  if (field == CONTENT) return elementSize(datatype) > 0;
  if (field == FLOAT_VAL) return datatype == Datatype.FP32;
  if (field == DOUBLE_VAL) return datatype == Datatype.FP64;
  if (field == STRING_VAL) return datatype == Datatype.BYTES;
  if (field == INT_VAL) {
    return datatype != Datatype.BOOL && elementSize(datatype) <= 4 && datatype < Datatype.FP16;
  }
  if (field == INT64_VAL) return datatype == Datatype.INT64;
  if (field == BOOL_VAL) return datatype == Datatype.BOOL;
  if (field == HALF_VAL) return datatype == Datatype.FP16 || datatype == Datatype.BF16;
  if (field == UINT32_VAL) return datatype == Datatype.UINT32;
  return field == UINT64_VAL && datatype == Datatype.UINT64;
}

/** How the elements of a field stand in it. */
export function encodingOf(field: i32): Encoding {
  if (field <= DOUBLE_VAL) return Encoding.Raw;
  return field == STRING_VAL ? Encoding.Text : Encoding.Varints;
}

const SHAPE_DIM: i32 = 2;
const DIM_SIZE: i32 = 1;

/** Reads a `TensorShapeProto` into `output`. @returns false when it is malformed or has too many dimensions */
export function readShape(from: usize, to: usize, output: Output): bool {
  output.rank = 0;
  for (let at = from; at < to; ) {
    at = readTag(at, to);
    if (at == 0 || (tagField == SHAPE_DIM && output.rank == MAX_RANK)) return false;
    const end = at + <usize>tagLength;
    if (tagField != SHAPE_DIM || tagWireType != LENGTH_DELIMITED) {
      at = end;
      continue;
    }
    let size: i64 = 0;
    for (let inner = at; inner < end; inner += <usize>tagLength) {
      inner = readTag(inner, end);
      if (inner == 0) return false;
      if (tagField == DIM_SIZE && tagWireType == VARINT) size = <i64>varint;
    }
    output.shape[output.rank++] = size;
    at = end;
  }
  return true;
}
