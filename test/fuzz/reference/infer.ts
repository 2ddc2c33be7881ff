import { readsAlike } from "../generate/json.ts";
import { float32Of } from "./float32.ts";

/** What a ModelInferRequest must be made of a JSON body, by JSON.parse and exact arithmetic. */

/** A number of the JSON as it was written. */
class Written {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

/** @throws SyntaxError as JSON.parse does */
function parseExactly(text: string): unknown {
  // Node's types do not know the third argument yet (TC39, "JSON.parse source text access").
  const reviver = (_key: string, value: unknown, context: { source?: string }) => {
    if (typeof value !== "number") return value;
    // V8 forgets it at times.
    if (context.source === undefined) throw new Unsure();
    return new Written(context.source);
  };
  return JSON.parse(text, reviver as never);
}

export interface Tensor {
  name: string;
  datatype: string;
  shape: bigint[];
  raw: Buffer;
}

export type Reference = { inputs: Tensor[]; outputs: string[] } | "invalid" | "unsure";

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Written);

const INTEGERS: Record<string, [bits: number, signed: boolean]> = {
  UINT8: [8, false],
  UINT16: [16, false],
  UINT32: [32, false],
  UINT64: [64, false],
  INT8: [8, true],
  INT16: [16, true],
  INT32: [32, true],
  INT64: [64, true],
};
const OTHERS = ["BOOL", "FP16", "BF16", "FP32", "FP64", "BYTES"];

class Invalid extends Error {}
class Unsure extends Error {}

/** An integer of so many bits; undefined for another value. */
function integer(value: unknown, bits: number, signed: boolean): bigint | undefined {
  if (!(value instanceof Written) || !/^-?\d+$/.test(value.source)) return undefined;
  const number = BigInt(value.source);
  const least = signed ? -(2n ** BigInt(bits - 1)) : 0n;
  const most = 2n ** BigInt(signed ? bits - 1 : bits) - 1n;
  return number >= least && number <= most ? number : undefined;
}

function element(datatype: string, value: unknown): Buffer {
  const bytes = Buffer.alloc(8);
  const whole = INTEGERS[datatype];
  if (whole) {
    const number = integer(value, ...whole);
    if (number === undefined) throw new Invalid();
    bytes.writeBigUInt64LE(BigInt.asUintN(64, number));
    return bytes.subarray(0, whole[0] / 8);
  }
  if (datatype === "BOOL") {
    if (typeof value !== "boolean") throw new Invalid();
    return Buffer.of(Number(value));
  }
  if (datatype === "BYTES") {
    if (typeof value !== "string") throw new Invalid();
    const text = Buffer.from(value);
    bytes.writeUInt32LE(text.length);
    return Buffer.concat([bytes.subarray(0, 4), text]);
  }
  if (!(value instanceof Written)) throw new Invalid();
  const { source } = value;
  if (datatype === "FP64") bytes.writeDoubleLE(finite(Number(source)));
  else if (datatype === "FP32") bytes.writeFloatLE(finite(float32Of(source)));
  else return Buffer.from(half(datatype, Number(source)));
  return bytes.subarray(0, datatype === "FP64" ? 8 : 4);
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new Invalid();
  return value;
}

/** float16 or bfloat16 of a float64, unless that lies so close to the middle of two that it cannot say. */
function half(datatype: string, value: number): Uint8Array {
  const [fraction, least, most] = datatype === "FP16" ? [10, -14, 65504] : [7, -126, 3.3895313892515355e38];
  finite(value);
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value) || 1e-300)), least);
  const unit = 2 ** (exponent - fraction);
  const scaled = Math.abs(value) / unit;
  if (Math.abs(scaled - Math.floor(scaled) - 0.5) < 1e-9) throw new Unsure();
  const rounded = Math.round(scaled) * unit;
  if (rounded > most) throw new Invalid();
  const float = Buffer.alloc(4);
  float.writeFloatLE(rounded);
  const bits = float.readUInt32LE();
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const out = Buffer.alloc(2);
  if (datatype === "BF16") out.writeUInt16LE(sign | (bits >>> 16));
  else if (rounded < 2 ** -14) out.writeUInt16LE(sign | Math.round(rounded * 2 ** 24));
  else out.writeUInt16LE(sign | (((bits >>> 13) & 0x3ffff) - (112 << 10)));
  return out;
}

/** Elements of `data`, flat or nested as `shape` says. */
function elements(data: unknown, shape: bigint[]): unknown[] {
  if (!Array.isArray(data)) throw new Invalid();
  const count = shape.reduce((product, size) => product * size, 1n);
  if (!data.some(Array.isArray)) {
    if (BigInt(data.length) !== count) throw new Invalid();
    if (data.length === 0 && shape.length > 1) throw new Unsure();
    return data;
  }
  const walk = (value: unknown, depth: number): unknown[] => {
    if (!Array.isArray(value)) {
      if (depth !== shape.length) throw new Invalid();
      return [value];
    }
    if (depth >= shape.length || BigInt(value.length) !== shape[depth]) {
      if (count === 0n) throw new Unsure();
      throw new Invalid();
    }
    return value.flatMap((each) => walk(each, depth + 1));
  };
  return walk(data, 0);
}

function tensor(value: unknown): Tensor {
  if (!isObject(value)) throw new Invalid();
  const { name, datatype, shape, data } = value;
  if ("parameters" in value) checkParameters(value.parameters);
  if (typeof name !== "string" || name === "" || typeof datatype !== "string") throw new Invalid();
  if (!(datatype in INTEGERS) && !OTHERS.includes(datatype)) throw new Invalid();
  if (!Array.isArray(shape) || shape.length > 32) throw new Invalid();
  const sizes = shape.map((size) => {
    const whole = integer(size, 64, true);
    if (whole === undefined || whole < 0n) throw new Invalid();
    return whole;
  });
  const raw = elements(data, sizes).map((each) => element(datatype, each));
  return { name, datatype, shape: sizes, raw: Buffer.concat(raw) };
}

function checkParameters(value: unknown): void {
  if (!isObject(value)) throw new Invalid();
  for (const [key, each] of Object.entries(value)) {
    if (key.startsWith("binary_data")) throw new Unsure();
    if (each instanceof Written) finite(Number(each.source));
    else if (typeof each !== "string" && typeof each !== "boolean") throw new Invalid();
  }
}

/** @param text the body, which is UTF-8 */
export function inferReference(text: string): Reference {
  try {
    if (!readsAlike(text)) return "unsure";
    const body = parseExactly(text);
    if (!isObject(body)) return "invalid";
    if ("id" in body && typeof body.id !== "string") return "invalid";
    if ("parameters" in body) checkParameters(body.parameters);
    if (!Array.isArray(body.inputs)) return "invalid";
    const outputs = body.outputs ?? [];
    if (("outputs" in body && !Array.isArray(body.outputs)) || !Array.isArray(outputs)) return "invalid";
    const names = outputs.map((output: unknown) => {
      if (!isObject(output) || typeof output.name !== "string" || output.name === "") throw new Invalid();
      if ("parameters" in output) checkParameters(output.parameters);
      return output.name;
    });
    return { inputs: body.inputs.map(tensor), outputs: names };
  } catch (error) {
    if (error instanceof Unsure) return "unsure";
    if (error instanceof Invalid || error instanceof SyntaxError) return "invalid";
    throw error;
  }
}
