/**
 * The float32 nearest to a decimal number, ties to even, by exact arithmetic: the reference for the filter's parser.
 * (`Math.fround(Number(text))` rounds twice and is wrong near the middle of two float32.)
 */
export function nearestFloat32(text: string): number {
  const [, sign, whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = BigInt(whole + fraction);
  const scale = Number(exponent) - fraction.length;
  const magnitude = digits === 0n ? 0 : nearest(digits, scale, Number(text.replace(/^-/, "")));
  return sign === "-" ? -magnitude : magnitude;
}

function nearest(digits: bigint, scale: number, near: number): number {
  if (near > 1e40) return Number.POSITIVE_INFINITY;
  if (near < 1e-47) return 0;
  const bits = new Uint32Array(new Float32Array([Math.min(near, 3.4028234663852886e38)]).buffer)[0] as number;
  let best = 0;
  let bestDistance: bigint | undefined;
  for (const candidate of [bits - 1, bits, bits + 1]) {
    if (candidate < 0) continue;
    const distance = distanceTo(candidate, digits, scale);
    const closer = bestDistance === undefined || distance < bestDistance;
    if (closer || (distance === bestDistance && candidate % 2 === 0)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return new Float32Array(new Uint32Array([best]).buffer)[0] as number;
}

/** |digits * 10^scale - the float32 of these bits|, times a common positive factor. */
function distanceTo(bits: number, digits: bigint, scale: number): bigint {
  const exponent = Math.max(bits >>> 23, 1) - 150;
  const significand = BigInt(bits >>> 23 === 0 ? bits : (bits & 0x7fffff) | 0x800000);
  const power = BigInt(10) ** BigInt(Math.abs(scale));
  let decimal = (digits * (scale >= 0 ? power : 1n)) << 150n;
  let binary = (significand << BigInt(exponent + 150)) * (scale < 0 ? power : 1n);
  if (binary > decimal) [decimal, binary] = [binary, decimal];
  return decimal - binary;
}
