/** A stand-in for a server of OpenAI's API: it notes what it gets and streams what it is told to. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

interface Got {
  path: string;
  headers: IncomingHttpHeaders;
  /** The whole body; undefined when the request broke off. */
  body: Buffer | undefined;
}

export interface OpenAiServer {
  port: number;
  /** Requests, in the order in which they ended. */
  got: Got[];
  /** What it answers; events go out one by one. */
  chunks: string[];
  /** The next answer waits behind so many of its events. */
  pauseBehind(events: number): { release(): void };
  stop(): Promise<void>;
}

export async function startOpenAiServer(host = "127.0.0.1"): Promise<OpenAiServer> {
  const got: Got[] = [];
  let pause: { events: number; released: Promise<void> } | undefined;
  const state = { chunks: ['data: {"choices":[]}\n\n', "data: [DONE]\n\n"] };
  const server: Server = createServer(async (request, response) => {
    const { url: path = "", headers } = request;
    const body = await Promise.race([
      request.toArray().then((parts) => Buffer.concat(parts)),
      once(request, "aborted").then(() => undefined),
    ]).catch(() => undefined);
    got.push({ path, headers, body });
    if (!body) return;
    response.writeHead(200, { "content-type": "text/event-stream" });
    const { events, released } = pause ?? { events: -1, released: undefined };
    pause = undefined;
    for (const [at, chunk] of state.chunks.entries()) {
      if (at === events) await released;
      response.write(chunk);
      await new Promise(setImmediate);
    }
    response.end();
  });
  server.listen(0, host);
  await once(server, "listening");
  return Object.assign(state, {
    port: (server.address() as AddressInfo).port,
    got,
    pauseBehind(events: number) {
      const { promise, resolve } = Promise.withResolvers<void>();
      pause = { events, released: promise };
      return { release: resolve };
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
}
