import grpc from "@grpc/grpc-js";
import { CallError } from "./call-error.ts";
import { CLASSES, linear } from "./linear-model.ts";

interface PredictRequest {
  model_spec: { name: string } | null;
  inputs: Record<string, { float_val: number[]; tensor_content: Buffer }>;
}

/** Serves TensorFlow Serving's `Predict` of the model `linear`: DT_FLOAT `x` -> DT_FLOAT `y`. */
export function predict(request: PredictRequest): object {
  const x = request.inputs.x;
  if (request.model_spec?.name !== "linear")
    throw new CallError(grpc.status.NOT_FOUND, "there is only the model linear");
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
