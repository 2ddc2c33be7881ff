import { Bytes, bytes } from "../sdk/bytes/bytes";

/** Tensor data types of the Open Inference Protocol. */
export enum Datatype {
  Unknown,
  BOOL,
  UINT8,
  UINT16,
  UINT32,
  UINT64,
  INT8,
  INT16,
  INT32,
  INT64,
  FP16,
  BF16,
  FP32,
  FP64,
  BYTES,
}

const NAMES: StaticArray<Bytes> = [
  bytes(""),
  bytes("BOOL"),
  bytes("UINT8"),
  bytes("UINT16"),
  bytes("UINT32"),
  bytes("UINT64"),
  bytes("INT8"),
  bytes("INT16"),
  bytes("INT32"),
  bytes("INT64"),
  bytes("FP16"),
  bytes("BF16"),
  bytes("FP32"),
  bytes("FP64"),
  bytes("BYTES"),
];
const SIZES = memory.data<u8>([0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 0]);

export function parseDatatype(ptr: usize, len: i32): Datatype {
  for (let datatype = 1; datatype < NAMES.length; datatype++) {
    if (NAMES[datatype].equals(ptr, len)) return <Datatype>datatype;
  }
  return Datatype.Unknown;
}

/** Name of a known data type. */
export function datatypeName(datatype: Datatype): Bytes {
  return NAMES[datatype];
}

/** Bytes of one element in raw tensor contents; 0 for BYTES, whose elements have a length each. */
export function elementSize(datatype: Datatype): i32 {
  return load<u8>(SIZES + datatype);
}

export function isSigned(datatype: Datatype): bool {
  return datatype >= Datatype.INT8 && datatype <= Datatype.INT64;
}

export function isFloat(datatype: Datatype): bool {
  return datatype >= Datatype.FP16 && datatype <= Datatype.FP64;
}
