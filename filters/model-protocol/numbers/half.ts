/** 2^112: the difference of the exponents' biases of float32 and float16, as a factor. */
const REBIAS: f32 = reinterpret<f32>((127 + 112) << 23);
const EXPONENT: u32 = 0x7c00;

/** The float32 of a float16's bits (IEEE 754 binary16), which holds it exactly. */
export function halfToFloat(bits: u32): f32 {
  const fields = (bits & 0x7fff) << 13;
  const finite = (bits & EXPONENT) != EXPONENT;
  const magnitude = finite ? reinterpret<u32>(reinterpret<f32>(fields) * REBIAS) : fields | 0x7f800000;
  return reinterpret<f32>(magnitude | ((bits & 0x8000) << 16));
}
