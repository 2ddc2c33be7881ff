import { createServer as createHttpServer } from "node:http";
import {
  createServer as createHttp2Server,
  createSecureServer,
  type Http2SecureServer,
  type Http2Server,
} from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Request, Response } from "./http.ts";

/** What an HTTP/2 client sends first (RFC 9113, section 3.4); no HTTP/1.1 request starts so. */
const PREFACE = "PRI * HTTP/2.0";

interface ListenerTimeouts {
  /**
   * For a connection to send its first bytes, and for an HTTP/1.1 request to send its headers. Default:
   * 10,000.
   */
  headers: number;
  /** Without any request. Default: 120,000. */
  idle: number;
}
const TIMEOUTS: ListenerTimeouts = { headers: 10_000, idle: 120_000 };

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
 * Serves HTTP/1.1 and HTTP/2 on one port. With TLS the client chooses by ALPN; in the clear by its first
 * bytes ("prior knowledge", as Envoy does it).
 */
export async function listen(
  address: { host: string; port: number },
  handle: Handle,
  tls?: Tls,
  timeouts: ListenerTimeouts = TIMEOUTS,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const requests = new UnderWay(handle);
  const { front, secure } =
    tls === undefined ? plainServer(requests.handle, timeouts) : secureServer(requests.handle, tls, timeouts);
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

  /** Resolves when there is none, at the latest after `timeoutMs`. */
  async ended(timeoutMs: number): Promise<void> {
    if (this.count === 0) return;
    await new Promise<void>((resolve) => {
      this.onEnd = resolve;
      setTimeout(resolve, timeoutMs).unref();
    });
  }
}

/** An HTTP/1.1 server, which hands connections that begin with the preface of HTTP/2 on to another. */
function plainServer(handle: Handle, timeouts: ListenerTimeouts): { front: Server; secure?: undefined } {
  const front = createHttpServer(http1Timeouts(timeouts), handle);
  const http2: Http2Server = createHttp2Server(handle);
  http2.setTimeout(timeouts.idle);
  ignoreBrokenConnections(http2);
  const [serveHttp1] = front.listeners("connection") as ((socket: Socket) => void)[];
  front.removeAllListeners("connection");
  front.on("connection", (socket: Socket) => {
    let seen = Buffer.alloc(0);
    socket.setTimeout(timeouts.headers);
    const expire = () => socket.destroy();
    socket.on("timeout", expire);
    socket.on("error", expire);
    const sniff = (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      const isPreface = PREFACE.startsWith(seen.toString("latin1", 0, PREFACE.length));
      if (isPreface && seen.length < PREFACE.length) return;
      socket.off("data", sniff);
      socket.pause();
      // An HTTP/2 session reads past the socket, which would look idle: it has a time of its own.
      socket.setTimeout(isPreface ? 0 : timeouts.idle);
      socket.unshift(seen);
      if (isPreface) http2.emit("connection", socket);
      else serveHttp1?.call(front, socket);
      process.nextTick(() => socket.resume());
    };
    socket.on("data", sniff);
  });
  return { front };
}

function secureServer(
  handle: Handle,
  tls: Tls,
  timeouts: ListenerTimeouts,
): { front: Server; secure: Http2SecureServer } {
  const options = { allowHTTP1: true, ...http1Timeouts(timeouts), ...secureContext(tls) };
  const secure = createSecureServer(options, handle);
  secure.setTimeout(timeouts.idle);
  ignoreBrokenConnections(secure);
  return { front: secure, secure };
}

function http1Timeouts({ headers }: ListenerTimeouts) {
  return { headersTimeout: headers, connectionsCheckingInterval: headers / 4 };
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
