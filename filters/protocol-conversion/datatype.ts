import { Bytes, bytes } from "../sdk/bytes";

/** Tensor data types of the Open Inference Protocol that are converted. */
export enum Datatype {
  Unknown,
  FP32,
  INT64,
}

const FP32 = bytes("FP32");
const INT64 = bytes("INT64");

export function parseDatatype(ptr: usize, len: i32): Datatype {
  if (FP32.equals(ptr, len)) return Datatype.FP32;
  if (INT64.equals(ptr, len)) return Datatype.INT64;
  return Datatype.Unknown;
}

/** Name of a known data type. */
export function datatypeName(datatype: Datatype): Bytes {
  return datatype == Datatype.INT64 ? INT64 : FP32;
}

/** Bytes of one element in raw tensor contents. */
export function elementSize(datatype: Datatype): i32 {
  return datatype == Datatype.INT64 ? 8 : 4;
}
