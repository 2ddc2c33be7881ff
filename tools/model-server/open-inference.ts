import grpc from "@grpc/grpc-js";
import { CallError } from "./call-error.ts";
import { CLASSES, FEATURES, linear } from "./linear-model.ts";

interface Tensor {
  name: string;
  datatype: string;
  shape: string[];
  contents?: { fp32_contents: number[]; int64_contents: string[] } | null;
}

interface ModelInferRequest {
  model_name: string;
  model_version: string;
  id: string;
  inputs: Tensor[];
  raw_input_contents: Buffer[];
}

/**
 * Serves `ModelInfer` of two models: `linear`, FP32 [n, 8] -> FP32 [n, 2], and `echo`, whose outputs are its inputs.
 * The version `typed` answers with typed contents instead of raw ones.
 */
export function modelInfer(request: ModelInferRequest): object {
  const outputs = request.model_name === "linear" ? linearOutputs(request) : echoOutputs(request);
  const typed = request.model_version === "typed";
  return {
    model_name: request.model_name,
    model_version: request.model_version,
    id: request.id,
    outputs: outputs.map(({ tensor, raw }) => ({
      ...tensor,
      contents: typed ? typedContents(tensor, raw) : null,
    })),
    raw_output_contents: typed ? [] : outputs.map(({ raw }) => raw),
  };
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
  if (request.model_name !== "echo") {
    throw new CallError(grpc.status.NOT_FOUND, `no model "${request.model_name}"; there are linear, echo`);
  }
  return request.inputs.map(({ name, datatype, shape }, index) => ({
    tensor: { name, datatype, shape },
    raw: rawContents(request, index),
  }));
}

function rawContents(request: ModelInferRequest, index: number): Buffer {
  const raw = request.raw_input_contents[index];
  if (raw) return raw;
  const contents = request.inputs[index]?.contents;
  if (contents?.int64_contents.length) {
    return Buffer.from(BigInt64Array.from(contents.int64_contents, BigInt).buffer);
  }
  return Buffer.from(Float32Array.from(contents?.fp32_contents ?? []).buffer);
}

function typedContents(tensor: Output["tensor"], raw: Buffer): object {
  if (tensor.datatype === "FP32") return { fp32_contents: [...float32(raw)] };
  const values = new BigInt64Array(Uint8Array.from(raw).buffer);
  return { int64_contents: [...values].map(String) };
}

/** The little-endian floats of a buffer, copied so that they are aligned. */
function float32(raw: Buffer): Float32Array {
  return new Float32Array(Uint8Array.from(raw).buffer, 0, Math.floor(raw.length / 4));
}
