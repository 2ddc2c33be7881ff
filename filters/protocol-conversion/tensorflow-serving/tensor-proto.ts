import { Datatype, elementSize } from "../../model-protocol/datatype";
import { MessageReader } from "../../model-protocol/message-reader";
import {
  BOOL_VAL,
  CONTENT,
  DIM_SIZE,
  DOUBLE_VAL,
  FLOAT_VAL,
  HALF_VAL,
  INT_VAL,
  INT64_VAL,
  SHAPE_DIM,
  STRING_VAL,
  UINT32_VAL,
  UINT64_VAL,
} from "../../model-protocol/tensor-proto-fields";
import { Encoding } from "../tensor/element-stream";
import { MAX_RANK } from "../tensor/nesting";
import { Output } from "./output";

/** How the elements of a `tensorflow.TensorProto` stand in it. */

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

const shape: MessageReader = new MessageReader();
const dimension: MessageReader = new MessageReader();

/**
 * Reads a `TensorShapeProto` into `output`.
 * @returns false when it is malformed or has too many dimensions
 */
export function readShape(from: usize, to: usize, output: Output): bool {
  output.rank = 0;
  for (shape.start(from, to); shape.next(); ) {
    if (shape.field == SHAPE_DIM && output.rank == MAX_RANK) return false;
    if (!shape.isBytes(SHAPE_DIM)) continue;
    let size: i64 = 0;
    for (dimension.start(shape.from, shape.to); dimension.next(); ) {
      if (dimension.isVarint(DIM_SIZE)) size = <i64>dimension.value;
    }
    if (dimension.malformed) return false;
    output.shape[output.rank++] = size;
  }
  return !shape.malformed;
}
