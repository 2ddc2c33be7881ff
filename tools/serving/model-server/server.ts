import { once } from "node:events";
import grpc from "@grpc/grpc-js";
import { CallError } from "./call-error.ts";
import { classify, regress } from "./examples.ts";
import { modelInfer, modelMetadata, modelReady, serverMetadata, streamReplies } from "./open-inference.ts";
import { modelStatus, predict, signatureMetadata } from "./predict.ts";
import { encodeSignatures, protos } from "./protos.ts";

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
export interface ModelServer {
  port: number;
  /** Resolves once the requests that it has are answered; it takes no new ones. */
  drain(): Promise<void>;
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

/** Answers each request of a stream with replies, no faster than the caller takes them. */
function stream(answer: (request: never) => Iterable<object>): grpc.UntypedHandleCall {
  const handler = async (call: grpc.ServerDuplexStream<never, object>) => {
    for await (const request of call as AsyncIterable<never>) {
      for (const reply of answer(request)) {
        if (call.cancelled) return;
        if (!call.write(reply)) await Promise.race([once(call, "drain"), once(call, "cancelled")]);
      }
    }
    call.end();
  };
  return handler as unknown as grpc.UntypedHandleCall;
}

/** Starts the demo's gRPC model server; port 0 takes a free one. */
export async function startModelServer(port = 0, host = "127.0.0.1"): Promise<ModelServer> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  });
  server.addService(protos["inference.GRPCInferenceService"] as grpc.ServiceDefinition, {
    ServerLive: unary(() => ({ live: true })),
    ServerReady: unary(() => ({ ready: true })),
    ServerMetadata: unary(serverMetadata),
    ModelReady: unary(modelReady),
    ModelMetadata: unary(modelMetadata),
    ModelInfer: unary(modelInfer),
    ModelStreamInfer: stream(streamReplies),
  });
  server.addService(protos["tensorflow.serving.PredictionService"] as grpc.ServiceDefinition, {
    Classify: unary(classify),
    Regress: unary(regress),
    Predict: unary(predict),
    GetModelMetadata: unary((request) => signatureMetadata(request, encodeSignatures)),
  });
  server.addService(protos["tensorflow.serving.ModelService"] as grpc.ServiceDefinition, {
    GetModelStatus: unary(modelStatus),
  });
  server.addService(protos["grpc.health.v1.Health"] as grpc.ServiceDefinition, {
    Check: unary(() => ({ status: "SERVING" })),
  });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, grpc.ServerCredentials.createInsecure(), (error, actual) =>
      error ? reject(error) : resolve(actual),
    );
  });
  return {
    port: bound,
    drain: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    stop: () => server.forceShutdown(),
  };
}
