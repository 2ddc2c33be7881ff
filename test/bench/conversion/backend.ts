import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

const WINDOW_BYTES = 64 * 1024 * 1024;

/** A server that answers at once, so that the gateway is what is measured. */
export interface Backend {
  port: number;
  /** What it answers gRPC calls and other requests with. */
  grpcReply: Buffer;
  plainReply: Buffer;
  /** Body of the last gRPC call, when `keep` is set. */
  last: Buffer;
  /** Headers of the last call. */
  lastHeaders: IncomingHttpHeaders;
  keep: boolean;
  stop(): void;
}

export async function startBackend(): Promise<Backend> {
  const server = createServer({ settings: { initialWindowSize: WINDOW_BYTES }, maxSessionMemory: 1000 });
  server.on("session", (session) => session.setLocalWindowSize(WINDOW_BYTES));
  const backend: Backend = {
    port: 0,
    grpcReply: Buffer.alloc(0),
    plainReply: Buffer.alloc(0),
    last: Buffer.alloc(0),
    lastHeaders: {},
    keep: false,
    stop: () => server.close(),
  };
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    stream.on("error", () => {});
    backend.lastHeaders = headers;
    const grpc = headers["content-type"]?.startsWith("application/grpc");
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => {
      if (backend.keep) chunks.push(chunk);
    });
    stream.once("end", () => {
      if (backend.keep && grpc) backend.last = Buffer.concat(chunks);
      if (!grpc) {
        stream.respond({ ":status": 200, "content-type": "application/json" });
        stream.end(backend.plainReply);
        return;
      }
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(backend.grpcReply);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  backend.port = (server.address() as AddressInfo).port;
  return backend;
}
