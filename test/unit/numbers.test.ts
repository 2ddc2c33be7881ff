import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { nearestFloat32 } from "../support/exact-float32.ts";
import { random } from "../support/random.ts";
import { testModule } from "../support/wasm.ts";

interface Numbers {
  allocate(size: number): number;
  numberLength(ptr: number, len: number): number;
  parseFloats(kind: number, ptr: number, len: number, out: number): number;
  writeFloats(kind: number, ptr: number, count: number, out: number): number;
  parseInteger(ptr: number, len: number, bits: number, signed: number): number;
  lastInteger(): bigint;
  integerText(value: bigint, signed: number, out: number): number;
  setNonFinite(policy: number): void;
  powersOfTen(): number;
}

/** `npm run test:long`: ten million round trips instead of a hundred thousand. */
const LONG = process.env.TEST_LONG === "1";
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

/** Kinds of floats, as the module numbers them. */
const KINDS = { f16: 2, bf16: 3, f32: 4, f64: 8 } as const;
type Kind = keyof typeof KINDS;
const bytesOf = (kind: Kind) => (kind === "bf16" ? 2 : KINDS[kind]);

/** Bits of the floats that the parser makes of numbers. */
function parseBits(kind: Kind, numbers: string[]): bigint[] {
  const count = wasm.parseFloats(KINDS[kind], text, put(`${numbers.join(",")},`), floats);
  expect(count).toBe(numbers.length);
  const { buffer } = wasm.memory;
  if (kind === "f64") return [...new BigUint64Array(buffer, floats, count)];
  if (kind === "f32") return [...new Uint32Array(buffer, floats, count)].map(BigInt);
  return [...new Uint16Array(buffer, floats, count)].map(BigInt);
}

function parseFloat32(numbers: string[]): Float32Array {
  return new Float32Array(Uint32Array.from(parseBits("f32", numbers), Number).buffer);
}

function writeBits(kind: Kind, values: Uint8Array): string[] {
  new Uint8Array(wasm.memory.buffer, floats, values.length).set(values);
  const length = wasm.writeFloats(KINDS[kind], floats, values.length / bytesOf(kind), text);
  return new TextDecoder()
    .decode(new Uint8Array(wasm.memory.buffer, text, length))
    .slice(0, -1)
    .split(",");
}

function writeFloat32(values: Float32Array): string[] {
  return writeBits("f32", new Uint8Array(values.buffer));
}

describe("grammar of numbers", () => {
  it.each(["0", "-0", "1", "10", "0.5", "-0.5e+10", "1E5", "1e-5", "123456789012345678901234567890"])(
    "%s",
    (number) => {
      expect(wasm.numberLength(text, put(number))).toBe(number.length);
    },
  );

  it.each(["", "-", ".5", "+1", "1.", "1.e5", "1e", "1e+", "NaN", "Infinity", "-a", "01", "-01"])(
    "refuses %j",
    (number) => {
      expect(wasm.numberLength(text, put(`${number},`))).toBe(-1);
    },
  );

  it.each([
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

describe("published test set", () => {
  const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;
  const file = process.env.FXX_TEST_DATA ?? new URL("../data/parse-number-fxx.txt", import.meta.url);
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line && !line.startsWith("#"))
    .map((line) => line.split(" ") as [f16: string, f32: string, f64: string, number: string])
    .filter(([, , , number]) => JSON_NUMBER.test(number));
  it.each(["f16", "f32", "f64"] as const)("gives the bits of %s", (kind) => {
    const column = { f16: 0, f32: 1, f64: 2 }[kind];
    for (let from = 0; from < lines.length; from += 500) {
      const batch = lines.slice(from, from + 500);
      const bits = parseBits(
        kind,
        batch.map(([, , , number]) => number),
      );
      for (const [i, line] of batch.entries())
        expect([line[3], bits[i]]).toEqual([line[3], BigInt(`0x${line[column]}`)]);
    }
  });
});

describe("float64", () => {
  const buffer = new BigUint64Array(1);
  const asDouble = new Float64Array(buffer.buffer);

  it("reads and writes what Node reads and writes, over random bit patterns", () => {
    const { uint32 } = random();
    const batch = 20_000;
    for (let round = 0; round < (LONG ? 500 : 5); round++) {
      const values = new BigUint64Array(batch);
      for (let i = 0; i < batch; i++) {
        values[i] = (BigInt(uint32()) << 32n) | BigInt(uint32());
        if (((values[i] as bigint) >> 52n) % 2048n === 2047n) values[i] = (values[i] as bigint) ^ (1n << 60n);
      }
      const texts = writeBits("f64", new Uint8Array(values.buffer));
      const back = parseBits("f64", texts);
      for (let i = 0; i < batch; i++) {
        buffer[0] = values[i] as bigint;
        const value = asDouble[0] as number;
        if (Number(texts[i]) !== value || back[i] !== values[i])
          throw new Error(`${value} -> ${texts[i]} -> ${back[i]}`);
        if (digitCount(texts[i] as string) !== digitCount(String(value)))
          throw new Error(`${texts[i]} is not ${value}`);
      }
    }
  });

  it("reads decimals of 1 to 40 digits as Node does, also near the middle of two floats", () => {
    const { below, uint32 } = random();
    const cases: string[] = [];
    for (let i = 0; i < 20_000; i++) {
      const digits = Array.from({ length: 1 + (i % 40) }, () => below(10)).join("");
      cases.push(`${Number(digits[0])}.${digits}e${below(660) - 340}`);
    }
    for (let i = 0; i < 3000; i++) {
      buffer[0] = (BigInt(below(2 ** 31)) << 32n) | BigInt(uint32());
      const value = asDouble[0] as number;
      if (!(value > 1e-290 && value < 1e300)) continue;
      buffer[0] = (buffer[0] as bigint) + 1n;
      const middle = middleDigits(value, asDouble[0] as number);
      cases.push(middle, middle.replace("e", "0000000000000000000000000001e"));
    }
    const bits = parseBits("f64", cases);
    for (const [i, number] of cases.entries()) {
      asDouble[0] = Number(number);
      if (bits[i] !== buffer[0]) throw new Error(number);
    }
  });

  it.each([
    ["1.7976931348623157e308"],
    ["1.7976931348623158e308"],
    ["1.797693134862315807937e308"],
    ["1.7976931348623159e308"],
    ["2.2250738585072011e-308"],
    ["2.2250738585072014e-308"],
    ["4.9e-324"],
    ["2.4703282292062328e-324"],
    ["2.4703282292062327e-324"],
    ["9007199254740993"],
    ["9007199254740993.0000000000000000000000000000001"],
    ["123456789012345678901234567890e-340"],
    ["0e999999999999"],
    ["1e-999999999999"],
  ])("%s", (number) => {
    asDouble[0] = Number(number);
    expect(parseBits("f64", [number])).toEqual([buffer[0]]);
  });
});

/** All digits of the middle of two neighbouring float64, with an exponent. */
function middleDigits(low: number, high: number): string {
  const [a, b] = [low, high].map(exact) as [[bigint, number], [bigint, number]];
  const power = Math.min(a[1], b[1]) - 1;
  const sum = (a[0] << BigInt(a[1] - power - 1)) + (b[0] << BigInt(b[1] - power - 1));
  const digits = power >= 0 ? sum << BigInt(power) : sum * 5n ** BigInt(-power);
  return `${digits}.0e${Math.min(power, 0)}`;
}

/** value = integer * 2^exponent */
function exact(value: number): [bigint, number] {
  const bits = new BigUint64Array(new Float64Array([value]).buffer)[0] as bigint;
  const exponent = Number(bits >> 52n);
  const fraction = bits & (2n ** 52n - 1n);
  return exponent === 0 ? [fraction, -1074] : [fraction | (2n ** 52n), exponent - 1075];
}

describe.each([
  ["f16", 10, 5],
  ["bf16", 7, 8],
] as const)("%s", (kind, fractionBits, exponentBits) => {
  const bias = 2 ** (exponentBits - 1) - 1;
  const infinite = (2 ** exponentBits - 1) * 2 ** fractionBits;
  const numberOf = (bits: number) => {
    const exponent = bits >> fractionBits;
    const fraction = bits % 2 ** fractionBits;
    const whole = exponent === 0 ? fraction : fraction + 2 ** fractionBits;
    return whole * 2 ** (Math.max(exponent, 1) - bias - fractionBits);
  };

  it("comes back from its own text, every one of them", () => {
    const all = Uint16Array.from({ length: infinite }, (_, bits) => bits);
    const texts = writeBits(kind, new Uint8Array(all.buffer));
    expect(parseBits(kind, texts)).toEqual([...all].map(BigInt));
    for (const [bits, number] of texts.entries()) {
      // Callers read the text as a float, so it is the shortest that is this number there.
      const value = numberOf(bits);
      const shortest = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((digits) => value.toPrecision(digits));
      const shorter = shortest.filter((each) => digitCount(each) < digitCount(number));
      if (
        Math.fround(Number(number)) !== value ||
        shorter.some((each) => Math.fround(Number(each)) === value)
      )
        throw new Error(`${number}: ${shorter}`);
    }
  });

  it("is rounded exactly around the middle of two neighbours, every one of them", () => {
    const middles: string[] = [];
    const wanted: bigint[] = [];
    for (let bits = 0; bits < infinite; bits++) {
      const next = bits + 1 === infinite ? 2 ** (bias + 1) : numberOf(bits + 1);
      const digits = ((numberOf(bits) + next) / 2).toPrecision(100);
      const even = BigInt(bits + (bits % 2));
      middles.push(digits, digits.replace(/(?=e|$)/, digits.includes(".") ? "1" : ".1"));
      wanted.push(even, BigInt(bits + 1));
    }
    for (let i = 0; i < middles.length; i += 10_000) {
      expect(parseBits(kind, middles.slice(i, i + 10_000))).toEqual(wanted.slice(i, i + 10_000));
    }
  });
});

describe("what JSON has no numbers for", () => {
  const values = new Float64Array([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  it.each([
    [0, ["null", "null", "null"]],
    [2, ['"NaN"', '"Infinity"', '"-Infinity"']],
  ])("under policy %d", (policy, wanted) => {
    wasm.setNonFinite(policy);
    expect(writeBits("f64", new Uint8Array(values.buffer))).toEqual(wanted);
    expect(writeFloat32(new Float32Array(values))).toEqual(wanted);
    wasm.setNonFinite(0);
  });
});

describe.each([
  [8, 1],
  [16, 1],
  [32, 1],
  [64, 1],
  [8, 0],
  [16, 0],
  [32, 0],
  [64, 0],
])("integers of %d bits, signed %d", (bits, signed) => {
  const least = signed ? -(2n ** BigInt(bits - 1)) : 0n;
  const most = 2n ** BigInt(bits - signed) - 1n;

  it("are read as BigInt wrote them, and written again", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: least, max: most }), (value) => {
        const number = String(value);
        expect(wasm.parseInteger(text, put(number), bits, signed)).toBe(1);
        expect(BigInt.asUintN(64, wasm.lastInteger())).toBe(BigInt.asUintN(64, value));
        const length = wasm.integerText(value, signed, text);
        expect(new TextDecoder().decode(new Uint8Array(wasm.memory.buffer, text, length))).toBe(number);
      }),
      { examples: [[least], [most], [0n], [1n]] },
    );
  });

  it.each([
    String(most + 1n),
    String(least - 1n),
    "1.0",
    "1e3",
    "99999999999999999999",
    "100000000000000000000",
  ])("refuse %s", (number) => {
    expect(wasm.parseInteger(text, put(number), bits, signed)).toBe(0);
  });
});

it("has the powers of ten that exact arithmetic gives", () => {
  const table = new BigUint64Array(wasm.memory.buffer, wasm.powersOfTen(), 2 * 667);
  for (let k = -342; k <= 324; k++) {
    const power = 5n ** BigInt(Math.abs(k));
    const bits = BigInt(power.toString(2).length);
    let wanted = k >= 0 ? (power << 1000n) >> (872n + bits) : (1n << (bits + 127n)) / power;
    if (k < 0 && k >= -27) wanted++;
    const i = 2 * (k + 342);
    expect([k, ((table[i] as bigint) << 64n) | (table[i + 1] as bigint)]).toEqual([k, wanted]);
  }
});
