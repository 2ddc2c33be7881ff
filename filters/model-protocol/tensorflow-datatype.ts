import { Datatype } from "./datatype";

/** TensorFlow's data types (tensorflow/core/framework/types.proto) that are converted. */

const NAMES: string[] = [
  "",
  "DT_FLOAT",
  "DT_DOUBLE",
  "DT_INT32",
  "DT_UINT8",
  "DT_INT16",
  "DT_INT8",
  "DT_STRING",
  "",
  "DT_INT64",
  "DT_BOOL",
  "",
  "",
  "",
  "DT_BFLOAT16",
  "",
  "",
  "DT_UINT16",
  "",
  "DT_HALF",
  "",
  "",
  "DT_UINT32",
  "DT_UINT64",
];
const DATATYPES: Datatype[] = [
  Datatype.Unknown,
  Datatype.FP32,
  Datatype.FP64,
  Datatype.INT32,
  Datatype.UINT8,
  Datatype.INT16,
  Datatype.INT8,
  Datatype.BYTES,
  Datatype.Unknown,
  Datatype.INT64,
  Datatype.BOOL,
  Datatype.Unknown,
  Datatype.Unknown,
  Datatype.Unknown,
  Datatype.BF16,
  Datatype.Unknown,
  Datatype.Unknown,
  Datatype.UINT16,
  Datatype.Unknown,
  Datatype.FP16,
  Datatype.Unknown,
  Datatype.Unknown,
  Datatype.UINT32,
  Datatype.UINT64,
];

export const DT_STRING: i32 = 7;

/** Number of a data type by its name, 0 when it is none that is converted. */
export function dataTypeByName(name: string): i32 {
  return name.length == 0 ? 0 : max(NAMES.indexOf(name), 0);
}

/** Names in the order of their numbers. */
export function dataTypeNames(): string[] {
  return NAMES.map<string>((name) => (name.length > 0 ? name : "DT_INVALID"));
}

/** Number of the data type whose elements look like those of `datatype`; 0 for BYTES, whose do not. */
export function dataTypeOf(datatype: Datatype): i32 {
  return datatype == Datatype.BYTES ? 0 : max(DATATYPES.indexOf(datatype), 0);
}

export function datatypeOf(dataType: u64): Datatype {
  return dataType < <u64>DATATYPES.length ? DATATYPES[<i32>dataType] : Datatype.Unknown;
}
