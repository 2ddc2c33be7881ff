import grpc from "@grpc/grpc-js";
import { CallError } from "./call-error.ts";
import { CLASSES, FEATURES, linear } from "./linear-model.ts";
import { type ModelSpec, modelName } from "./predict.ts";

interface Feature {
  bytes_list?: { value: Buffer[] } | null;
  float_list?: { value: number[] } | null;
  int64_list?: { value: string[] } | null;
}

interface Example {
  features: { feature: Record<string, Feature> } | null;
}

interface ExamplesRequest {
  model_spec: ModelSpec | null;
  input: {
    example_list?: { examples: Example[] } | null;
    example_list_with_context?: { examples: Example[]; context: Example | null } | null;
  } | null;
}

/**
 * Serves TensorFlow Serving's `Classify`. The model `linear` scores the classes "0" and "1" by the eight
 * floats of the feature `x`. The model `echo` gives a class for each value of each feature, labelled
 * `name:value`, bytes in base64.
 */
export function classify(request: ExamplesRequest): object {
  const isEcho = modelName(request.model_spec) === "echo";
  const classifications = features(request).map((feature) => ({
    classes: isEcho ? echoed(feature) : scores(feature).map((score, label) => ({ label: `${label}`, score })),
  }));
  return { model_spec: request.model_spec, result: { classifications } };
}

/** Serves `Regress`: `linear` gives the score of the class "0", `echo` how many values the features have. */
export function regress(request: ExamplesRequest): object {
  const isEcho = modelName(request.model_spec) === "echo";
  const regressions = features(request).map((feature) => ({
    value: isEcho ? echoed(feature).length : scores(feature)[0],
  }));
  return { model_spec: request.model_spec, result: { regressions } };
}

/** Features of each example, with those of the context that it does not have itself. */
function features({ input }: ExamplesRequest): Record<string, Feature>[] {
  const list = input?.example_list_with_context ?? input?.example_list;
  if (!list?.examples.length) throw new CallError(grpc.status.INVALID_ARGUMENT, "Input is empty");
  const context = input?.example_list_with_context?.context?.features?.feature;
  return list.examples.map((example) => ({ ...context, ...example.features?.feature }));
}

function scores(feature: Record<string, Feature>): number[] {
  const x = feature.x?.float_list?.value;
  if (x?.length !== FEATURES) {
    throw new CallError(grpc.status.INVALID_ARGUMENT, `linear takes a feature x of ${FEATURES} floats`);
  }
  return [...linear(Float32Array.from(x))].slice(0, CLASSES);
}

function echoed(feature: Record<string, Feature>): { label: string; score: number }[] {
  return Object.entries(feature).flatMap(([name, { bytes_list, float_list, int64_list }]) => {
    const values = bytes_list?.value.map((value) => value.toString("base64"));
    return (values ?? float_list?.value ?? int64_list?.value ?? []).map((value, score) => ({
      label: `${name}:${value}`,
      score,
    }));
  });
}
