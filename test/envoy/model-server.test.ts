import grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it } from "vitest";
import { linear } from "../../tools/serving/model-server/linear-model.ts";
import { protos } from "../../tools/serving/model-server/protos.ts";
import { type ModelServer, startModelServer } from "../../tools/serving/model-server/server.ts";

const ROW = [1, 2, 3, 4, 5, 6, 7, 8];
let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server?.stop());

function call(service: string, method: string, request: object): Promise<Record<string, unknown>> {
  const Client = grpc.makeGenericClientConstructor(protos[service] as grpc.ServiceDefinition, service);
  const client = new Client(`127.0.0.1:${server.port}`, grpc.credentials.createInsecure());
  return new Promise((resolve, reject) =>
    client[method]?.(request, (error: grpc.ServiceError | null, reply: never) => {
      client.close();
      return error ? reject(error) : resolve(reply);
    }),
  );
}

it("serves TensorFlow Serving's Predict", async () => {
  const x = { dtype: "DT_FLOAT", tensor_shape: { dim: [{ size: 1 }, { size: 8 }] }, float_val: ROW };
  const request = { model_spec: { name: "linear" }, inputs: { x } };
  const { outputs } = await call("tensorflow.serving.PredictionService", "Predict", request);
  const { y } = outputs as { y: { float_val: number[] } };
  expect(y.float_val).toEqual([...linear(Float32Array.from(ROW))]);
});

it("serves health checks", async () => {
  expect(await call("grpc.health.v1.Health", "Check", {})).toEqual({ status: "SERVING" });
});

it("refuses a model that it does not have", async () => {
  const infer = call("inference.GRPCInferenceService", "ModelInfer", { model_name: "none" });
  await expect(infer).rejects.toMatchObject({ code: grpc.status.NOT_FOUND });
});
