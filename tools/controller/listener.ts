import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import {
  createServer as createHttp2Server,
  createSecureServer,
  type Http2SecureServer,
  type Http2Server,
} from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Request, Response } from "./http.ts";

/** What an HTTP/2 client sends first (RFC 9113, section 3.4); no HTTP/1.1 request starts so. */
const PREFACE = "PRI * HTTP/2.0";

/** For a connection to send its first bytes, and between requests. */
const FIRST_BYTES_WITHIN_MS = 10_000;
const IDLE_TIMEOUT_MS = 120_000;

const CLOSE_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 10_000;

export interface Tls {
  /** PEM. */
  cert: Buffer;
  key: Buffer;
  /** Callers must show a certificate that this CA has signed. */
  clientCa?: Buffer | undefined;
}

export interface Listener {
  port: number;
  /** New certificates for new connections. */
  renew(tls: Tls): void;
  /** Takes no more connections, lets requests under way end, and resolves when all is closed. */
  close(): Promise<void>;
}

export type Handle = (request: Request, response: Response) => void;

/**
 * Serves HTTP/1.1 and HTTP/2 on one port. With TLS the client chooses by ALPN; in the clear by its first bytes ("prior knowledge", as Envoy
 * does it).
 */
export async function listen(
  address: { host: string; port: number },
  handle: Handle,
  tls?: Tls,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const requests = new UnderWay(handle);
  const { front, secure } =
    tls === undefined ? plainServers(requests.handle) : secureServer(requests.handle, tls);
  front.maxConnections = MAX_CONNECTIONS;
  front.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    front.once("error", reject);
    front.listen(address.port, address.host, resolve);
  });
  return {
    port: (front.address() as AddressInfo).port,
    renew: (renewed) => secure?.setSecureContext(secureContext(renewed)),
    close: async () => {
      const closed = new Promise((resolve) => front.close(resolve));
      await requests.ended(CLOSE_TIMEOUT_MS);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Counts the requests that have no whole answer yet. */
class UnderWay {
  private count = 0;
  private onEnd: (() => void) | undefined;
  readonly handle: Handle;

  constructor(handle: Handle) {
    this.handle = (request, response) => {
      this.count++;
      response.on("close", () => {
        if (--this.count === 0) this.onEnd?.();
      });
      handle(request, response);
    };
  }

  /** Resolves when there is none, at the latest after `timeout` milliseconds. */
  async ended(timeout: number): Promise<void> {
    if (this.count === 0) return;
    await new Promise<void>((resolve) => {
      this.onEnd = resolve;
      setTimeout(resolve, timeout).unref();
    });
  }
}

function plainServers(handle: Handle): { front: Server; secure?: undefined } {
  const http1: HttpServer = createHttpServer(handle);
  const http2: Http2Server = createHttp2Server(handle);
  ignoreBrokenConnections(http2);
  const front = createServer((socket) => {
    let seen = Buffer.alloc(0);
    socket.setTimeout(FIRST_BYTES_WITHIN_MS);
    socket.on("timeout", () => socket.destroy());
    socket.on("error", () => socket.destroy());
    const sniff = (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      const isPreface = PREFACE.startsWith(seen.toString("latin1", 0, PREFACE.length));
      if (isPreface && seen.length < PREFACE.length) return;
      socket.off("data", sniff);
      socket.pause();
      socket.setTimeout(IDLE_TIMEOUT_MS);
      socket.unshift(seen);
      (isPreface ? http2 : http1).emit("connection", socket);
      process.nextTick(() => socket.resume());
    };
    socket.on("data", sniff);
  });
  return { front };
}

function secureServer(handle: Handle, tls: Tls): { front: Server; secure: Http2SecureServer } {
  const secure = createSecureServer({ allowHTTP1: true, ...secureContext(tls) }, handle);
  secure.setTimeout(IDLE_TIMEOUT_MS);
  ignoreBrokenConnections(secure);
  return { front: secure, secure };
}

function secureContext({ cert, key, clientCa }: Tls) {
  if (clientCa === undefined) return { cert, key };
  return { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: true };
}

/** What a client does to its own connection is no news. */
function ignoreBrokenConnections(server: Http2Server | Http2SecureServer): void {
  server.on("sessionError", () => {});
  server.on("tlsClientError", () => {});
}
