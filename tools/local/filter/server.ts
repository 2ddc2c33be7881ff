import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A server on 127.0.0.1 that answers with what it got. */
interface EchoServer {
  port: number;
  stop(): void;
}

/** Starts a server that answers each request 200 with `{"method", "path", "headers", "body"}` in JSON. */
export async function startEchoServer(): Promise<EchoServer> {
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const { method, url: path, headers } = request;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method, path, headers, body }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, stop };
}
