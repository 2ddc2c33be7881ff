import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { CallError } from "./call-error.ts";
import { modelInfer } from "./open-inference.ts";
import { predict } from "./predict.ts";

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const PROTO_FOLDER = fileURLToPath(new URL("../../proto/", import.meta.url));

export const protos = loadSync(["open_inference.proto", "tensorflow_serving.proto", "health.proto"], {
  includeDirs: [PROTO_FOLDER],
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
});

export interface ModelServer {
  port: number;
  stop(): void;
}

function unary(answer: (request: never) => unknown): grpc.UntypedHandleCall {
  const handler: grpc.handleUnaryCall<never, unknown> = (call, callback) => {
    try {
      callback(null, answer(call.request));
    } catch (error) {
      const code = error instanceof CallError ? error.code : grpc.status.INTERNAL;
      callback({ code, details: error instanceof Error ? error.message : String(error) });
    }
  };
  return handler as grpc.UntypedHandleCall;
}

/** Starts the demo's gRPC model server; port 0 takes a free one. */
export async function startModelServer(port = 0, host = "127.0.0.1"): Promise<ModelServer> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  });
  const ready = unary(() => ({ ready: true }));
  server.addService(protos["inference.GRPCInferenceService"] as grpc.ServiceDefinition, {
    ServerLive: unary(() => ({ live: true })),
    ServerReady: ready,
    ModelReady: ready,
    ModelInfer: unary(modelInfer),
  });
  server.addService(protos["tensorflow.serving.PredictionService"] as grpc.ServiceDefinition, {
    Predict: unary(predict),
  });
  server.addService(protos["grpc.health.v1.Health"] as grpc.ServiceDefinition, {
    Check: unary(() => ({ status: "SERVING" })),
  });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, grpc.ServerCredentials.createInsecure(), (error, actual) =>
      error ? reject(error) : resolve(actual),
    );
  });
  return { port: bound, stop: () => server.forceShutdown() };
}
