import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { nearestFloat32 } from "../support/exact-float32.ts";
import { testModule } from "../support/wasm.ts";

interface Numbers {
  allocate(size: number): number;
  numberLength(ptr: number, len: number): number;
  parseFloats(ptr: number, len: number, out: number): number;
  writeFloats(ptr: number, count: number, out: number): number;
  parseI64(ptr: number, len: number): number;
  lastI64(): bigint;
  i64Text(value: bigint, out: number): number;
  powersOfTen(): number;
}

const AREA = 1 << 20;
let wasm: Numbers & { memory: WebAssembly.Memory };
let text: number;
let floats: number;

beforeAll(async () => {
  wasm = await testModule<Numbers>("numbers");
  text = wasm.allocate(4 * AREA + 16);
  floats = wasm.allocate(AREA);
});

function put(value: string): number {
  return new TextEncoder().encodeInto(value, new Uint8Array(wasm.memory.buffer, text, 4 * AREA)).written;
}

function parseFloat32(numbers: string[]): Float32Array {
  const count = wasm.parseFloats(text, put(`${numbers.join(",")},`), floats);
  expect(count).toBe(numbers.length);
  return new Float32Array(wasm.memory.buffer, floats, count).slice();
}

function writeFloat32(values: Float32Array): string[] {
  new Float32Array(wasm.memory.buffer, floats, values.length).set(values);
  const length = wasm.writeFloats(floats, values.length, text);
  return new TextDecoder()
    .decode(new Uint8Array(wasm.memory.buffer, text, length))
    .slice(0, -1)
    .split(",");
}

describe("grammar of numbers", () => {
  it.each(["0", "-0", "1", "10", "0.5", "-0.5e+10", "1E5", "1e-5", "123456789012345678901234567890"])(
    "%s",
    (number) => {
      expect(wasm.numberLength(text, put(number))).toBe(number.length);
    },
  );

  it.each(["", "-", ".5", "+1", "1.", "1.e5", "1e", "1e+", "NaN", "Infinity", "-a"])(
    "refuses %j",
    (number) => {
      expect(wasm.numberLength(text, put(`${number},`))).toBe(-1);
    },
  );

  it.each([
    ["01", 1],
    ["-01", 2],
    ["0x10", 1],
    ["1_0", 1],
    ["1.5.5", 3],
  ])("of %s takes %d bytes", (number, length) => {
    expect(wasm.numberLength(text, put(number))).toBe(length);
  });
});

describe("decimal to float32", () => {
  it.each([
    "1.00000017881393432617187499",
    "1.00000017881393432617187500",
    "1.00000017881393432617187501",
    "8.5899345925e9",
    "16777217",
    "16777217.0000000000000000000000000000000000000001",
    "3.4028235677973366e38",
    "3.4028235677973365e38",
    "3.4028234663852886e38",
    "1e39",
    "1e400",
    "1.1754943508222875e-38",
    "1.1754942807573643e-38",
    "7.006492321624085e-46",
    "7.006492321624086e-46",
    "1.401298464324817e-45",
    "1e-46",
    "1e-400",
    "-0.0",
    "0e99999",
    `1${"0".repeat(300)}e-300`,
    `0.${"0".repeat(300)}1e301`,
    `${"1234567890".repeat(100)}e-990`,
    `1.000000059604644775390625${"0".repeat(500)}1`,
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
  ])("%s", (number) => {
    expect(parseFloat32([number])[0]).toBe(nearestFloat32(number));
  });

  it("is exact around the middle of two float32", () => {
    const cases: string[] = [];
    for (let i = 0; i < 3000; i++) {
      const bits = (i * 2654435761) % 0x7f7fffff;
      const [low, high] = new Float32Array(new Uint32Array([bits, bits + 1]).buffer);
      const middle = ((low as number) + (high as number)) / 2;
      const digits = middle.toPrecision(17);
      cases.push(
        digits,
        digits.replace(/\d(?=e|$)/, "9"),
        digits.replace(/(?=e|$)/, digits.includes(".") ? "1" : ".1"),
      );
    }
    expect([...parseFloat32(cases)]).toEqual(cases.map(nearestFloat32));
  });

  it("agrees with exact arithmetic on any decimal", () => {
    const decimal = fc
      .tuple(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.integer({ min: -75, max: 20 }))
      .map(([mantissa, exponent]) => `${mantissa}e${exponent}`);
    fc.assert(
      fc.property(decimal, (number) => Object.is(parseFloat32([number])[0], nearestFloat32(number))),
      { numRuns: 5000 },
    );
  });
});

describe("float32 to decimal", () => {
  it.each([
    [0, "0.0"],
    [-0, "-0.0"],
    [1, "1.0"],
    [0.1, "0.1"],
    [100, "100.0"],
    [16777216, "16777216.0"],
    [1e-7, "1e-7"],
    [1.5e-8, "1.5e-8"],
    [0.00001, "0.00001"],
    [3.4028234663852886e38, "3.4028235e38"],
    [1.401298464324817e-45, "1e-45"],
    [Number.NaN, "null"],
    [Number.POSITIVE_INFINITY, "null"],
  ])("%d is %s", (value, wanted) => {
    expect(writeFloat32(Float32Array.of(value))).toEqual([wanted]);
  });

  it("is the shortest text that reads back, over a million bit patterns", () => {
    const batch = 50_000;
    let state = 12345;
    for (let round = 0; round < 20; round++) {
      const bits = Uint32Array.from({ length: batch }, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return (state & 0x7f800000) === 0x7f800000 ? state ^ 0x40000000 : state;
      });
      const values = new Float32Array(bits.buffer);
      const texts = writeFloat32(values);
      const own = parseFloat32(texts);
      for (let i = 0; i < batch; i++) {
        const value = values[i] as number;
        if (Math.fround(Number(texts[i])) !== value || own[i] !== value)
          throw new Error(`${value} -> ${texts[i]}`);
        if (i % 10 === 0 && digitCount(texts[i] as string) > shortestDigits(value)) {
          throw new Error(`${texts[i]} is not the shortest for ${value}`);
        }
      }
    }
  });
});

function digitCount(number: string): number {
  return number.replace(/e.*/, "").replace(/[-.]/g, "").replace(/^0+/, "").replace(/0+$/, "").length;
}

function shortestDigits(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    if (Math.fround(Number(value.toPrecision(digits))) === value)
      return digitCount(value.toPrecision(digits));
  }
  return 9;
}

describe("int64", () => {
  it("reads what BigInt wrote, and writes it again", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const number = String(value);
        expect(wasm.parseI64(text, put(number))).toBe(1);
        expect(wasm.lastI64()).toBe(value);
        const length = wasm.i64Text(value, text);
        expect(new TextDecoder().decode(new Uint8Array(wasm.memory.buffer, text, length))).toBe(number);
      }),
      { examples: [[2n ** 63n - 1n], [-(2n ** 63n)], [0n], [-1n]] },
    );
  });

  it.each([
    "9223372036854775808",
    "-9223372036854775809",
    "1.0",
    "1e3",
    "99999999999999999999",
    "10000000000000000000",
  ])("refuses %s", (number) => {
    expect(wasm.parseI64(text, put(number))).toBe(0);
  });
});

it("has the powers of ten that exact arithmetic gives", () => {
  const table = new BigUint64Array(wasm.memory.buffer, wasm.powersOfTen(), 77);
  for (let k = -31; k <= 45; k++) {
    const numerator = 10n ** BigInt(Math.max(k, 0));
    const denominator = 10n ** BigInt(Math.max(-k, 0));
    let shift = 0n;
    while (numerator << shift < denominator << 63n) shift++;
    const up = numerator << shift;
    let wanted = (up + denominator - 1n) / denominator;
    if (shift === 0n) {
      const extra = BigInt((numerator / denominator).toString(2).length - 64);
      if (extra > 0n) wanted = (numerator + (denominator << extra) - 1n) / (denominator << extra);
    }
    expect(table[k + 31]).toBe(wanted);
  }
});
