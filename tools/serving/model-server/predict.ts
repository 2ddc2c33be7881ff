import grpc from "@grpc/grpc-js";
import { CallError } from "./call-error.ts";
import { CLASSES, FEATURES, linear } from "./linear-model.ts";

interface TensorProto {
  dtype: string;
  tensor_shape: { dim: { size: string }[] } | null;
  float_val: number[];
  tensor_content: Buffer;
}

export interface ModelSpec {
  name: string;
  signature_name: string;
}

interface PredictRequest {
  model_spec: ModelSpec | null;
  inputs: Record<string, TensorProto>;
}

/**
 * Serves TensorFlow Serving's `Predict` of two models: `linear`, DT_FLOAT `x` -> DT_FLOAT `y`, and `echo`,
 * whose outputs are its inputs.
 */
export function predict(request: PredictRequest): object {
  const name = modelName(request.model_spec);
  if (name === "echo") return { model_spec: request.model_spec, outputs: request.inputs };
  const x = request.inputs.x;
  if (!x) throw new CallError(grpc.status.INVALID_ARGUMENT, "linear takes one tensor x");
  const values = x.tensor_content.length
    ? new Float32Array(Uint8Array.from(x.tensor_content).buffer)
    : Float32Array.from(x.float_val);
  const y = linear(values);
  const dim = [{ size: y.length / CLASSES }, { size: CLASSES }];
  return {
    model_spec: request.model_spec,
    outputs: { y: { dtype: "DT_FLOAT", tensor_shape: { dim }, float_val: [...y] } },
  };
}

/** @throws CallError when there is no such model */
export function modelName(spec: ModelSpec | null): "linear" | "echo" {
  if (spec?.name === "linear" || spec?.name === "echo") return spec.name;
  throw new CallError(grpc.status.NOT_FOUND, `no model "${spec?.name}"; there are linear, echo`);
}

export function modelStatus({ model_spec }: { model_spec: ModelSpec | null }): object {
  modelName(model_spec);
  return { model_version_status: [{ version: 1, state: "AVAILABLE", status: { error_code: 0 } }] };
}

const tensorInfo = (dtype: string, ...sizes: number[]) => ({
  dtype,
  tensor_shape: { dim: sizes.map((size) => ({ size })) },
});

const SIGNATURES = {
  linear: {
    serving_default: {
      inputs: { x: tensorInfo("DT_FLOAT", -1, FEATURES) },
      outputs: { y: tensorInfo("DT_FLOAT", -1, CLASSES) },
      method_name: "tensorflow/serving/predict",
    },
  },
  echo: {
    serving_default: {
      inputs: { number: tensorInfo("DT_INT64", -1), image_bytes: tensorInfo("DT_STRING", -1) },
      outputs: { number: tensorInfo("DT_INT64", -1), image_bytes: tensorInfo("DT_STRING", -1) },
      method_name: "tensorflow/serving/predict",
    },
  },
};

/** @param encode serialises a `SignatureDefMap` */
export function signatureMetadata(
  { model_spec }: { model_spec: ModelSpec | null },
  encode: (map: object) => Buffer,
): object {
  const signature_def = SIGNATURES[modelName(model_spec)];
  return {
    model_spec: { name: model_spec?.name, version: { value: 1 } },
    metadata: {
      signature_def: {
        type_url: "type.googleapis.com/tensorflow.serving.SignatureDefMap",
        value: encode({ signature_def }),
      },
    },
  };
}
