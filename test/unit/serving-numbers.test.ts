import { beforeAll, describe, expect, it } from "vitest";
import { random } from "../support/random.ts";
import { testModule } from "../support/wasm.ts";

interface Numbers {
  allocate(size: number): number;
  writeServingFloats(kind: number, ptr: number, count: number, out: number): number;
}

const BATCH = 6_000;
const LONG = process.env.TEST_LONG === "1";
let wasm: Numbers & { memory: WebAssembly.Memory };
let text: number;
let floats: number;
beforeAll(async () => {
  wasm = await testModule<Numbers>("numbers");
  text = wasm.allocate(BATCH * 48);
  floats = wasm.allocate(BATCH * 8);
});

function write(values: Float32Array | Float64Array): string[] {
  const bytes = new Uint8Array(values.buffer);
  new Uint8Array(wasm.memory.buffer, floats, bytes.length).set(bytes);
  const length = wasm.writeServingFloats(values.BYTES_PER_ELEMENT, floats, values.length, text);
  return new TextDecoder()
    .decode(new Uint8Array(wasm.memory.buffer, text, length))
    .slice(0, -1)
    .split(",");
}

/** A float64 as a fraction of integers. */
function fraction(value: number): [bigint, bigint] {
  const bits = new BigUint64Array(new Float64Array([value]).buffer)[0] as bigint;
  const exponent = (bits >> 52n) & 0x7ffn;
  const digits = bits & (2n ** 52n - 1n);
  const [c, q] = exponent === 0n ? [digits, -1074n] : [digits | (2n ** 52n), exponent - 1075n];
  return q >= 0n ? [c << q, 1n] : [c, 1n << -q];
}

/** printf's `%.{precision}g`, exact. */
function general(value: number, precision: number): string {
  const sign = value < 0 ? "-" : "";
  const [over, under] = fraction(Math.abs(value));
  let exponent = Number(Math.abs(value).toExponential(20).split("e")[1]);
  let digits = 0n;
  while (true) {
    const power = precision - 1 - exponent;
    const [a, b] = power >= 0 ? [over * 10n ** BigInt(power), under] : [over, under * 10n ** BigInt(-power)];
    digits = a / b;
    const twice = 2n * (a - digits * b);
    if (twice > b || (twice === b && digits % 2n === 1n)) digits++;
    if (digits < 10n ** BigInt(precision)) break;
    exponent++;
  }
  const all = digits.toString();
  if (exponent < -4 || exponent >= precision) {
    const mantissa = `${all[0]}.${all.slice(1)}`.replace(/\.?0*$/, "");
    const size = Math.abs(exponent).toString().padStart(2, "0");
    return `${sign}${mantissa}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  const plain =
    exponent < 0
      ? `0.${"0".repeat(-exponent - 1)}${all}`
      : `${all.slice(0, exponent + 1)}.${all.slice(exponent + 1)}`;
  return sign + (plain.includes(".") ? plain.replace(/\.?0*$/, "") : plain);
}

/** `WriteDecimal` of TensorFlow Serving. */
function servingText(value: number, digits: 9 | 17): string {
  const read = digits === 9 ? Math.fround : (number: number) => number;
  const short = general(value, 6);
  const result = read(Number(short)) === value ? short : general(value, digits);
  return /[.e]/.test(result) ? result : `${result}.0`;
}

describe("a float as TensorFlow Serving prints it", () => {
  it.each([
    [0.1, "0.1"],
    [-0.2, "-0.2"],
    [3, "3.0"],
    [0, "0.0"],
    [-0, "-0.0"],
    [123456, "123456.0"],
    [1234567, "1234567.0"],
    [9_000_000, "9e+06"],
    [0.00003, "3e-05"],
    [0.0001, "0.0001"],
    [1 / 3, "0.333333343"],
    [16777216, "16777216.0"],
    [1e10, "1e+10"],
    [1.2345678e10, "1.23456778e+10"],
    [3.4028234663852886e38, "3.40282347e+38"],
    [1.401298464324817e-45, "1.4013e-45"],
    [0.5, "0.5"],
  ])("float32 %d", (value, expected) => {
    expect(write(Float32Array.of(value))).toEqual([expected]);
  });

  it.each([
    [0.1, "0.1"],
    [0.1 + 0.2, "0.30000000000000004"],
    [1 / 3, "0.33333333333333331"],
    [123456789, "123456789.0"],
    [1e16, "1e+16"],
    [12345678901234568, "12345678901234568.0"],
    [123456789012345680, "1.2345678901234568e+17"],
    [1e-7, "1e-07"],
    [1e300, "1e+300"],
    [5e-324, "4.94066e-324"],
    [1.7976931348623157e308, "1.7976931348623157e+308"],
    [8.0947715414629834e-320, "8.09477e-320"],
    [2 ** -1030, general(2 ** -1030, 17)],
  ])("float64 %d", (value, expected) => {
    expect(write(Float64Array.of(value))).toEqual([expected]);
  });

  function check(values: Float32Array | Float64Array): void {
    const finite = values.filter((value) => Number.isFinite(value) && value !== 0);
    const texts = write(finite);
    for (const [i, value] of finite.entries()) {
      const expected = servingText(value, finite instanceof Float32Array ? 9 : 17);
      if (texts[i] !== expected) throw new Error(`${value}: ${texts[i]}, not ${expected}`);
    }
  }

  it("of any bits", () => {
    const { uint32 } = random();
    for (let round = 0; round < (LONG ? 400 : 1); round++) {
      check(new Float32Array(Uint32Array.from({ length: BATCH }, uint32).buffer));
      check(new Float64Array(Uint32Array.from({ length: BATCH }, uint32).buffer));
    }
  });

  it("near short decimals, ties and the smallest floats", () => {
    const { next, uint32 } = random();
    const count = BATCH / 4;
    const make = (make: (i: number) => number) => Array.from({ length: count }, (_, i) => make(i));
    const near = make(() => Number((next() * 10).toPrecision(6)) * 10 ** ((uint32() % 60) - 30));
    const ties = make((i) => (uint32() % 2 ** 24) * 2 ** ((i % 60) - 30));
    const small = make((i) => uint32() * 2 ** -1074 * 2 ** (i % 60));
    const short = make((i) => Number(`${uint32() % 1_000_000}e${(i % 640) - 330}`));
    check(Float32Array.from([...near, ...ties, ...make((i) => (i + 1) * 2 ** -149), ...near]));
    check(Float64Array.from([...near, ...ties, ...small, ...short]));
    check(
      Float64Array.from(make((i) => (2 * (uint32() % 2 ** 20) + 1) * 5 ** (i % 13) * 2 ** ((i % 70) - 20))),
    );
  });
});
