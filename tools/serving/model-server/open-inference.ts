import grpc from "@grpc/grpc-js";
import { CallError } from "./call-error.ts";
import { CLASSES, FEATURES, linear } from "./linear-model.ts";

interface Tensor {
  name: string;
  datatype: string;
  shape: string[];
  contents?: Partial<Record<ContentsField, unknown[]>> | null;
}

interface ModelInferRequest {
  model_name: string;
  model_version: string;
  id: string;
  parameters: object;
  inputs: Tensor[];
  outputs: { name: string }[];
  raw_input_contents: Buffer[];
}

const MODELS = {
  linear: {
    inputs: [{ name: "x", datatype: "FP32", shape: [-1, FEATURES] }],
    outputs: [{ name: "y", datatype: "FP32", shape: [-1, CLASSES] }],
  },
  echo: { inputs: [], outputs: [] },
};

export function serverMetadata(): object {
  return { name: "modelgate-demo", version: "1", extensions: ["model_stream"] };
}

export function modelMetadata({ name }: { name: string }): object {
  return { name, versions: ["1"], platform: "javascript", ...modelOf(name) };
}

export function modelReady({ name }: { name: string }): object {
  return { ready: Object.hasOwn(MODELS, name) };
}

function modelOf(name: string): object {
  const model = Object.hasOwn(MODELS, name) ? MODELS[name as keyof typeof MODELS] : undefined;
  if (!model) throw new CallError(grpc.status.NOT_FOUND, `no model "${name}"; there are linear, echo`);
  return model;
}

/**
 * Serves `ModelInfer` of two models: `linear`, FP32 [n, 8] -> FP32 [n, 2], and `echo`, whose outputs are its
 * inputs, or those of them that the request selects. The version `typed` answers with typed contents instead
 * of raw ones.
 */
export function modelInfer(request: ModelInferRequest): object {
  const all = request.model_name === "linear" ? linearOutputs(request) : echoOutputs(request);
  const selected = request.outputs.map(({ name }) => name);
  const outputs = selected.length ? all.filter(({ tensor }) => selected.includes(tensor.name)) : all;
  const typed = request.model_version === "typed";
  return {
    model_name: request.model_name,
    model_version: request.model_version,
    id: request.id,
    parameters: request.parameters,
    outputs: outputs.map(({ tensor, raw }) => ({
      ...tensor,
      contents: typed ? typedContents(tensor.datatype, raw) : null,
    })),
    raw_output_contents: typed ? [] : outputs.map(({ raw }) => raw),
  };
}

/** How many replies `ModelStreamInfer` sends to a request: its parameter `replies`, 3 without one. */
const STREAM_REPLIES = 3;

/** Replies of a stream: each is the answer of `modelInfer`, its id counted on from 0. */
export function* streamReplies(request: ModelInferRequest): Generator<object> {
  const { replies } = request.parameters as { replies?: { int64_param?: string } };
  const count = Number(replies?.int64_param ?? STREAM_REPLIES);
  for (let i = 0; i < count; i++) {
    try {
      yield { infer_response: { ...modelInfer(request), id: String(i) } };
    } catch (error) {
      yield { error_message: error instanceof Error ? error.message : String(error) };
    }
  }
}

interface Output {
  tensor: { name: string; datatype: string; shape: (string | number)[] };
  raw: Buffer;
}

function linearOutputs(request: ModelInferRequest): Output[] {
  const input = request.inputs[0];
  if (input?.datatype !== "FP32" || input.shape.length !== 2 || Number(input.shape[1]) !== FEATURES) {
    throw new CallError(
      grpc.status.INVALID_ARGUMENT,
      `linear takes one FP32 tensor of shape [n, ${FEATURES}]`,
    );
  }
  const x = float32(rawContents(request, 0));
  if (x.length !== Number(input.shape[0]) * FEATURES) {
    throw new CallError(grpc.status.INVALID_ARGUMENT, "the contents do not have the size of the shape");
  }
  const y = linear(x);
  const tensor = { name: "y", datatype: "FP32", shape: [y.length / CLASSES, CLASSES] };
  return [{ tensor, raw: Buffer.from(y.buffer) }];
}

function echoOutputs(request: ModelInferRequest): Output[] {
  modelOf(request.model_name);
  return request.inputs.map(({ name, datatype, shape }, index) => ({
    tensor: { name, datatype, shape },
    raw: rawContents(request, index),
  }));
}

function rawContents(request: ModelInferRequest, index: number): Buffer {
  const raw = request.raw_input_contents[index];
  if (raw) return raw;
  return Buffer.from(
    Float32Array.from((request.inputs[index]?.contents?.fp32_contents ?? []) as number[]).buffer,
  );
}

type ContentsField =
  | "bool_contents"
  | "int_contents"
  | "int64_contents"
  | "uint_contents"
  | "uint64_contents"
  | "fp32_contents"
  | "fp64_contents"
  | "bytes_contents";

/** Field of `InferTensorContents` for a datatype, and how raw contents are read for it. */
const CONTENTS: Record<string, [ContentsField, (buffer: ArrayBuffer) => Iterable<unknown>]> = {
  BOOL: ["bool_contents", (buffer) => [...new Uint8Array(buffer)].map(Boolean)],
  UINT8: ["uint_contents", (buffer) => new Uint8Array(buffer)],
  UINT16: ["uint_contents", (buffer) => new Uint16Array(buffer)],
  UINT32: ["uint_contents", (buffer) => new Uint32Array(buffer)],
  UINT64: ["uint64_contents", (buffer) => [...new BigUint64Array(buffer)].map(String)],
  INT8: ["int_contents", (buffer) => new Int8Array(buffer)],
  INT16: ["int_contents", (buffer) => new Int16Array(buffer)],
  INT32: ["int_contents", (buffer) => new Int32Array(buffer)],
  INT64: ["int64_contents", (buffer) => [...new BigInt64Array(buffer)].map(String)],
  FP32: ["fp32_contents", (buffer) => new Float32Array(buffer)],
  FP64: ["fp64_contents", (buffer) => new Float64Array(buffer)],
  BYTES: ["bytes_contents", byteElements],
};

function typedContents(datatype: string, raw: Buffer): object {
  const contents = CONTENTS[datatype];
  if (!contents) throw new CallError(grpc.status.UNIMPLEMENTED, `${datatype} has no typed contents`);
  const [field, read] = contents;
  return { [field]: [...read(Uint8Array.from(raw).buffer)] };
}

/** Elements of raw BYTES: a length of four bytes before each. */
function* byteElements(buffer: ArrayBuffer): Generator<Buffer> {
  const raw = Buffer.from(buffer);
  for (let at = 0; at < raw.length; ) {
    const length = raw.readUInt32LE(at);
    yield raw.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
}

/** The little-endian floats of a buffer, copied so that they are aligned. */
function float32(raw: Buffer): Float32Array {
  return new Float32Array(Uint8Array.from(raw).buffer, 0, Math.floor(raw.length / 4));
}
