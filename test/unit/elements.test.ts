import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { nearestFloat32 } from "../support/exact-float32.ts";
import { random } from "../support/random.ts";
import { testModule } from "../support/wasm.ts";

/** The loops over the data of a tensor, in pieces as the filter gives them. */

interface Elements {
  allocate(size: number): number;
  read(datatype: number, ptr: number, len: number, out: number): number;
  bytesUsed(): number;
  elementCount(): number;
  tookComma(): number;
  write(datatype: number, ptr: number, len: number, out: number): number;
}

const FP32 = 12;
const AREA = 1 << 20;
let wasm: Elements & { memory: WebAssembly.Memory };
let text: number;
let out: number;

beforeAll(async () => {
  wasm = await testModule<Elements>("elements");
  text = wasm.allocate(AREA + 128);
  out = wasm.allocate(AREA);
});

function readFloats(json: string, size = AREA): number[] | undefined {
  const bytes = readElements(FP32, json, size);
  return bytes && [...new Float32Array(Uint8Array.from(bytes).buffer)];
}

/**
 * Reads `json`, the inside of an array with its bracket, in pieces of about `size` bytes. @returns the bytes of the
 * elements; undefined where they are refused
 */
function readElements(datatype: number, json: string, size = AREA): number[] | undefined {
  const source = new TextEncoder().encode(json);
  const values: number[] = [];
  let at = 0;
  let wanted = size;
  while (source[at] !== 0x5d) {
    if (source[at] === 0x20 || source[at] === 0x0a) {
      at++;
      continue;
    }
    const piece = source.subarray(at, at + wanted);
    const memory = new Uint8Array(wasm.memory.buffer);
    // What lies behind a piece must not matter: make it look like more of the same.
    memory.fill(0x31, text, text + piece.length + 128);
    memory.set(piece, text);
    const length = wasm.read(datatype, text, piece.length, out);
    if (length < 0) return undefined;
    for (const byte of new Uint8Array(wasm.memory.buffer, out, length)) values.push(byte);
    const used = wasm.bytesUsed();
    at += used;
    if (used === 0 && at + wanted >= source.length) return undefined;
    wanted = used === 0 ? wanted * 2 : size;
    if (wasm.elementCount() > 0 && !wasm.tookComma()) {
      while (source[at] === 0x20 || source[at] === 0x0a) at++;
      if (source[at] === 0x2c) at++;
      else if (source[at] !== 0x5d) return undefined;
    }
  }
  return values;
}

const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 22 });
const number = fc
  .tuple(
    fc.constantFrom("", "", "-"),
    digits,
    fc.option(fc.tuple(fc.constantFrom("0", "7"), digits), { nil: undefined, freq: 3 }),
    fc.constantFrom("", "", "", "", "e5", "E-7", "e+2"),
  )
  .map(([sign, whole, fraction, exponent]) => {
    const integer = whole.replace(/^0+/, "") || "0";
    return `${sign}${integer}${fraction ? `.${fraction.join("")}` : ""}${exponent}`;
  })
  .filter((each) => Number.isFinite(nearestFloat32(each)));

describe("float32 read from an array", () => {
  it("are the nearest, whatever their neighbours and however they are split", () => {
    const separator = fc.constantFrom(",", ",", ", ", ",\n ", " ,");
    const list = fc.array(fc.tuple(number, separator), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(list, fc.integer({ min: 40, max: 400 }), (pairs, size) => {
        const json = pairs
          .map(([each, between], i) => each + (i + 1 < pairs.length ? between : "]"))
          .join("");
        expect(readFloats(json, size)).toEqual(pairs.map(([each]) => nearestFloat32(each)));
      }),
      { numRuns: 3000 },
    );
  });

  it.each([6, 9, 17])("are the nearest with %d digits, forty thousand of them", (count) => {
    const { next } = random();
    const numbers = Array.from({ length: 40_000 }, (_, i) =>
      ((next() - 0.5) * 10 ** (i % 7)).toPrecision(count),
    ).filter((each) => !each.includes("e"));
    const values = readFloats(`${numbers.join(",")}]`, 65_536);
    expect(values).toEqual(numbers.map(nearestFloat32));
  });

  it("are the nearest beside the middle of two", () => {
    const { below } = random();
    const view = new DataView(new ArrayBuffer(4));
    const numbers = Array.from({ length: 20_000 }, (_, i) => {
      view.setUint32(0, 0x3b800000 + below(0x10000000));
      const low = view.getFloat32(0);
      view.setUint32(0, view.getUint32(0) + 1);
      const middle = (low + view.getFloat32(0)) / 2;
      return middle.toFixed(30).slice(0, 4 + (i % 27));
    }).filter((each) => !each.endsWith("."));
    expect(readFloats(`${numbers.join(", ")}]`, 65_536)).toEqual(numbers.map(nearestFloat32));
  });

  const fill = Array.from({ length: 12 }, () => "0.5").join(",");
  it.each([
    "01.5",
    "-01.5",
    "--1.5",
    "1.-5",
    "1.",
    "-.5",
    ".5",
    "1..5",
    "5-3",
    "1.5-3",
    "1.5.5",
    "-",
    "+1.5",
    "1e",
    "0x1",
  ])("refuses %s", (bad) => {
    expect(readFloats(`${fill},${bad},${fill}]`)).toBeUndefined();
    expect(readFloats(`${bad},${fill}]`)).toBeUndefined();
  });

  it("keeps the sign of zero", () => {
    expect(readFloats(`-0.0,-0,0,0.000,${fill}]`)?.slice(0, 4)).toEqual([-0, -0, 0, 0]);
  });
});

/** Data types of integers, as the module numbers them, with their bytes and least and largest values. */
const INTEGERS: [name: string, datatype: number, size: number, least: bigint, largest: bigint][] = [
  ["UINT8", 2, 1, 0n, 255n],
  ["UINT16", 3, 2, 0n, 65535n],
  ["UINT32", 4, 4, 0n, 2n ** 32n - 1n],
  ["UINT64", 5, 8, 0n, 2n ** 64n - 1n],
  ["INT8", 6, 1, -128n, 127n],
  ["INT16", 7, 2, -32768n, 32767n],
  ["INT32", 8, 4, -(2n ** 31n), 2n ** 31n - 1n],
  ["INT64", 9, 8, -(2n ** 63n), 2n ** 63n - 1n],
];

describe.each(INTEGERS)("%s read from an array", (_name, datatype, size, least, largest) => {
  const elementAt = (bytes: number[], i: number) =>
    bytes.slice(i * size, (i + 1) * size).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const wrapped = (value: bigint) => BigInt.asUintN(8 * size, value);
  const separator = fc.constantFrom(",", ",", ",", ", ", ",\n ", " ,");

  it("have their values, however they are split", () => {
    const value = fc.oneof(
      fc.bigInt({ min: least, max: largest }),
      fc.nat(18).chain((digits) => fc.bigInt({ min: 0n, max: 10n ** BigInt(digits) })),
      fc.constantFrom(least, largest, 0n),
    );
    const list = fc.array(
      fc.tuple(
        value.filter((each) => each <= largest),
        separator,
      ),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(list, fc.integer({ min: 40, max: 400 }), (pairs, piece) => {
        const json = pairs
          .map(([each, between], i) => `${each}${i + 1 < pairs.length ? between : "]"}`)
          .join("");
        const bytes = readElements(datatype, json, piece) as number[];
        expect(pairs.map((_, i) => elementAt(bytes, i))).toEqual(pairs.map(([each]) => wrapped(each)));
      }),
      { numRuns: 500 },
    );
  });

  const fill = Array.from({ length: 60 }, () => "5").join(",");
  it.each([
    `${largest + 1n}`,
    `${least - 1n}`,
    `1${"0".repeat(30)}`,
    "18446744073709551616",
    "99999999999999999999",
    "01",
    "-01",
    "--1",
    "-",
    "1.0",
    "1e1",
    "+1",
    "1-1",
    "x",
    '"1"',
  ])("refuse %s", (bad) => {
    expect(readElements(datatype, `${fill},${bad},${fill}]`)).toBeUndefined();
    expect(readElements(datatype, `${bad},${fill}]`)).toBeUndefined();
    expect(readElements(datatype, `${bad}]`)).toBeUndefined();
  });

  it("take -0 as 0", () => {
    expect(readElements(datatype, `-0,${fill}]`)?.slice(0, size)).toEqual(Array(size).fill(0));
  });
});

it("float32 written as an array read back the same", () => {
  const { next } = random();
  const values = Float32Array.from({ length: 16_000 }, (_, i) => (next() - 0.5) * 10 ** ((i % 60) - 30));
  new Uint8Array(wasm.memory.buffer, text, values.byteLength).set(new Uint8Array(values.buffer));
  const length = wasm.write(FP32, text, values.byteLength, out);
  const json = new TextDecoder().decode(new Uint8Array(wasm.memory.buffer, out, length));
  expect(Float32Array.from(JSON.parse(`[${json}]`))).toEqual(values);
});
