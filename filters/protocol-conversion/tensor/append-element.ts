import { Datatype, elementSize, isFloat, isSigned } from "../../model-protocol/datatype";
import { decimalToInteger, integerValue } from "../../model-protocol/numbers/decimal";
import {
  decimalToBf16,
  decimalToF16,
  decimalToF32,
  decimalToF64,
} from "../../model-protocol/numbers/decimal-float";
import { SlabChain } from "../body/slabs";

/** Appends the number that `parseNumber` read. @returns false when it does not fit the datatype */
export function appendNumberElement(datatype: Datatype, out: SlabChain): bool {
  const size = elementSize(datatype);
  if (size == 0 || datatype == Datatype.BOOL) return false;
  if (out.at == out.end) out.grow();
  const at = out.at;
  if (isFloat(datatype)) {
    if (!storeFloat(datatype, at)) return false;
  } else {
    if (!decimalToInteger(size << 3, isSigned(datatype))) return false;
    storeInteger(size, at);
  }
  out.at += size;
  return true;
}

/** Stores the number that `parseNumber` read as a float. @returns false for one beyond the largest */
export function storeFloat(datatype: Datatype, at: usize): bool {
  if (datatype == Datatype.FP32) {
    const value = decimalToF32();
    store<f32>(at, value);
    return isFinite<f32>(value);
  }
  if (datatype == Datatype.FP64) {
    const value = decimalToF64();
    store<f64>(at, value);
    return isFinite<f64>(value);
  }
  const half = datatype == Datatype.FP16;
  const bits: u32 = half ? decimalToF16() : decimalToBf16();
  store<u16>(at, <u16>bits);
  return (bits & 0x7fff) != (half ? F16_INFINITY : BF16_INFINITY);
}

/** Stores what `decimalToInteger` made in `size` bytes. */
export function storeInteger(size: i32, at: usize): void {
  if (size == 8) store<u64>(at, integerValue);
  else if (size == 4) store<u32>(at, <u32>integerValue);
  else if (size == 2) store<u16>(at, <u16>integerValue);
  else store<u8>(at, <u8>integerValue);
}

const F16_INFINITY: u32 = 0x7c00;
const BF16_INFINITY: u32 = 0x7f80;

/** Appends NaN or an infinity to floats. @returns false for a datatype that has none */
export function appendNonFinite(datatype: Datatype, value: f64, out: SlabChain): bool {
  if (!isFloat(datatype)) return false;
  if (out.at == out.end) out.grow();
  if (datatype == Datatype.FP64) store<f64>(out.at, value);
  else if (datatype == Datatype.FP32) store<f32>(out.at, <f32>value);
  else {
    const bits = reinterpret<u32>(<f32>value) >> 16;
    const half = (bits & 0x8000) | F16_INFINITY | ((bits & 0x40) << 3);
    store<u16>(out.at, <u16>(datatype == Datatype.BF16 ? bits : half));
  }
  out.at += elementSize(datatype);
  return true;
}
