import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { nearestFloat32 } from "../support/exact-float32.ts";
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

/** Reads `json`, the inside of an array with its bracket, in pieces of about `size` bytes; undefined where it is refused. */
function readFloats(json: string, size = AREA): number[] | undefined {
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
    const length = wasm.read(FP32, text, piece.length, out);
    if (length < 0) return undefined;
    values.push(...new Float32Array(wasm.memory.buffer, out, length / 4));
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
    const numbers = Array.from({ length: 40_000 }, (_, i) =>
      ((Math.random() - 0.5) * 10 ** (i % 7)).toPrecision(count),
    ).filter((each) => !each.includes("e"));
    const values = readFloats(`${numbers.join(",")}]`, 65_536);
    expect(values).toEqual(numbers.map(nearestFloat32));
  });

  it("are the nearest beside the middle of two", () => {
    const view = new DataView(new ArrayBuffer(4));
    const numbers = Array.from({ length: 20_000 }, (_, i) => {
      view.setUint32(0, 0x3b800000 + Math.floor(Math.random() * 0x10000000));
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

it("float32 written as an array read back the same", () => {
  const values = Float32Array.from(
    { length: 16_000 },
    (_, i) => (Math.random() - 0.5) * 10 ** ((i % 60) - 30),
  );
  new Uint8Array(wasm.memory.buffer, text, values.byteLength).set(new Uint8Array(values.buffer));
  const length = wasm.write(FP32, text, values.byteLength, out);
  const json = new TextDecoder().decode(new Uint8Array(wasm.memory.buffer, out, length));
  expect(Float32Array.from(JSON.parse(`[${json}]`))).toEqual(values);
});
