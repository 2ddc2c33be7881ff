import { nearestFloat32 } from "../../support/exact-float32.ts";

const word = new BigUint64Array(1);
const double = new Float64Array(word.buffer);

/**
 * The float32 nearest to a decimal number. Rounding its float64 gives just that, unless it lies in the middle of two float32 or
 * among those that are not normal.
 */
export function float32Of(number: string): number {
  const value = Number(number);
  double[0] = value;
  const tie = ((word[0] as bigint) & 0x1fffffffn) === 0x10000000n;
  const normal = Math.abs(value) >= 2 ** -126 || value === 0;
  return tie || !normal ? nearestFloat32(number) : Math.fround(value);
}
