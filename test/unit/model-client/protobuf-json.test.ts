import { describe, expect, it } from "vitest";
import { findMethod, ownProtocols, readProtocols } from "../../../tools/serving/model-client/methods.ts";
import { encodeJson } from "../../../tools/serving/model-client/protobuf-json.ts";

const type = (name: string) => ownProtocols().lookupType(name);
const roundTrip = (name: string, json: object) =>
  type(name).toObject(type(name).decode(encodeJson(type(name), json)), {
    longs: String,
    enums: String,
    bytes: String,
  });

describe("protobuf JSON", () => {
  const request = {
    model_name: "m",
    parameters: { a: { int64_param: "9007199254740993" }, b: { bool_param: true } },
    inputs: [{ name: "x", datatype: "FP32", shape: ["1", "2"], contents: { fp32_contents: [1.5, 2] } }],
    raw_input_contents: ["AAECAw=="],
  };

  it("takes original and JSON names alike", () => {
    const camel = {
      modelName: "m",
      parameters: { a: { int64Param: "9007199254740993" }, b: { boolParam: true } },
    };
    expect(roundTrip("inference.ModelInferRequest", request)).toEqual(request);
    expect(roundTrip("inference.ModelInferRequest", camel)).toMatchObject({
      model_name: "m",
      parameters: request.parameters,
    });
  });

  it("takes enums by name and number, and special floats", () => {
    const tensor = {
      dtype: "DT_FLOAT",
      tensor_shape: { dim: [{ size: 2 }] },
      float_val: ["NaN", "-Infinity"],
    };
    expect(roundTrip("tensorflow.TensorProto", tensor)).toMatchObject({
      dtype: "DT_FLOAT",
      float_val: [Number.NaN, Number.NEGATIVE_INFINITY],
    });
    expect(roundTrip("tensorflow.TensorProto", { dtype: 1 })).toEqual({ dtype: "DT_FLOAT" });
  });

  it.each([
    [{ modelNam: "m" }, "modelNam: ModelInferRequest has no such field"],
    [{ inputs: [{ nam: 1 }] }, "inputs[0].nam: InferInputTensor has no such field"],
    [{ inputs: {} }, "inputs: must be a list"],
    [{ inputs: ["x"] }, "inputs[0]: must be an object"],
    [{ model_name: 1 }, "model_name: must be a string"],
    [{ parameters: { a: { bool_param: "yes" } } }, "parameters.a.bool_param: must be a boolean"],
    [{ parameters: [] }, "parameters: must be an object"],
    [{ inputs: [{ shape: ["one"] }] }, "inputs[0].shape[0]: must be a number"],
  ])("%j", (json, message) => {
    expect(() => encodeJson(type("inference.ModelInferRequest"), json)).toThrow(message);
  });

  it("names the enum's values", () => {
    expect(() => encodeJson(type("tensorflow.TensorProto"), { dtype: "FLOAT" })).toThrow(
      "dtype: must be one of DT_INVALID",
    );
  });
});

describe("methods", () => {
  it("are found in the protocols that are known", () => {
    expect(findMethod(ownProtocols(), "/tensorflow.serving.PredictionService/Predict")?.request.name).toBe(
      "PredictRequest",
    );
    expect(findMethod(ownProtocols(), "/a.B/C")).toBeUndefined();
    expect(() => findMethod(ownProtocols(), "/inference.GRPCInferenceService/ModelStreamInfer")).toThrow(
      "streams",
    );
  });

  it("name a definition that can't be read", () => {
    expect(() => readProtocols(["absent.proto"], [])).toThrow("--proto absent.proto");
  });
});
