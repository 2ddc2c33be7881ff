/**
 * Files of models as llama.cpp reads them, GGUF version 3: a header, metadata, what the tensors are, and
 * their numbers.
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */

/** A value of the metadata, by its type in the file. */
export type GgufValue =
  | { u32: number }
  | { f32: number }
  | { string: string }
  | { strings: string[] }
  | { i32s: number[] };

export interface GgufTensor {
  name: string;
  /** Sizes, the one that runs fastest in memory first. */
  shape: number[];
  /** Row by row. */
  values: Float32Array;
}

const MAGIC = "GGUF";
const VERSION = 3;
/** What tensors, and the part of the file that holds them, are aligned to, in bytes. */
const ALIGNMENT = 32;
const TYPE = { u32: 4, i32: 5, f32: 6, string: 8, array: 9 } as const;
const TENSOR_F32 = 0;

/** @returns the bytes of the file */
export function gguf(metadata: Record<string, GgufValue>, tensors: GgufTensor[]): Buffer {
  const head: Buffer[] = [
    ...[Buffer.from(MAGIC), u32(VERSION), u64(tensors.length), u64(Object.keys(metadata).length)],
    ...Object.entries(metadata).flatMap(([key, value]) => [text(key), typed(value)]),
  ];
  let offset = 0;
  for (const { name, shape, values } of tensors) {
    head.push(text(name), u32(shape.length), ...shape.map(u64), u32(TENSOR_F32), u64(offset));
    offset += aligned(values.byteLength);
  }
  const data = tensors.map(({ values }) => padded(littleEndian(values)));
  return Buffer.concat([padded(Buffer.concat(head)), ...data]);
}

function typed(value: GgufValue): Buffer {
  if ("u32" in value) return Buffer.concat([u32(TYPE.u32), u32(value.u32)]);
  if ("f32" in value) return Buffer.concat([u32(TYPE.f32), littleEndian(Float32Array.of(value.f32))]);
  if ("string" in value) return Buffer.concat([u32(TYPE.string), text(value.string)]);
  if ("strings" in value) return array(TYPE.string, value.strings.map(text));
  return array(TYPE.i32, value.i32s.map(u32));
}

function array(type: number, items: Buffer[]): Buffer {
  return Buffer.concat([u32(TYPE.array), u32(type), u64(items.length), ...items]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function littleEndian(values: Float32Array): Buffer {
  const bytes = Buffer.alloc(values.byteLength);
  values.forEach((value, index) => {
    bytes.writeFloatLE(value, index * 4);
  });
  return bytes;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(aligned(bytes.length) - bytes.length)]);
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}
