import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import grpc from "@grpc/grpc-js";

/** Takes what loggers send: batches of ours over HTTP, Envoy's own over gRPC. It reads and forgets. */
export interface LogReceiver {
  port: number;
  grpcPort: number;
  stop(): void;
}

const bytes = (value: Buffer): Buffer => value;
const method = (path: string, requestStream: boolean) => ({
  path,
  requestStream,
  responseStream: false,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});

export async function startLogReceiver(): Promise<LogReceiver> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const service = new grpc.Server();
  service.addService(
    { export: method("/opentelemetry.proto.collector.logs.v1.LogsService/Export", false) },
    { export: (_call: unknown, callback: grpc.sendUnaryData<Buffer>) => callback(null, Buffer.alloc(0)) },
  );
  service.addService(
    { stream: method("/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs", true) },
    { stream: (call: grpc.ServerReadableStream<Buffer, Buffer>) => call.resume() },
  );
  const grpcPort = await new Promise<number>((resolve, reject) =>
    service.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  );
  return {
    port: (server.address() as AddressInfo).port,
    grpcPort,
    stop() {
      server.closeAllConnections();
      server.close();
      service.forceShutdown();
    },
  };
}
