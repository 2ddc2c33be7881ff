import { createHash } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fromSeed, type Random } from "../support/random.ts";
import { streamedReply, wholeReply } from "./scripted-reply.ts";

/** A request as it came to the model server. */
export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  /** SHA-256 of the body, without what the gateway asks for by itself. */
  digest: string;
}

export interface ScriptedServer {
  port: number;
  received: Received[];
  stop(): Promise<void>;
}

export const SCRIPTED_MODEL = "scripted";

/**
 * A model server that answers the same request with the same bytes: what is in a reply, and where its bytes
 * are cut on the way, comes from the body's digest. So what clients get with and without a gateway can be
 * compared in all that a server may do: n choices in any order, tool calls in pieces, log probabilities, an
 * error inside a stream, a stream that breaks, characters and lines cut anywhere.
 */
export async function startScriptedServer(): Promise<ScriptedServer> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    answer(request, response, received).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    received,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  received: Received[],
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const digest = createHash("sha256").update(withoutQuestion(body)).digest();
  const path = request.url ?? "";
  received.push({ path, headers: request.headers, digest: digest.toString("hex") });
  response.socket?.setNoDelay(true);
  const random = fromSeed(digest.readUInt32LE());
  const asked = JSON.parse(body.toString());
  const fault = random.below(25);
  if (fault === 0) return refuse(random, response);
  if (!asked.stream) {
    response.setHeader("content-type", "application/json");
    return write(random, response, Buffer.from(wholeReply(random, path, asked)), false);
  }
  response.setHeader("content-type", "text/event-stream; charset=utf-8");
  response.setHeader("cache-control", "no-cache");
  const end = random.below(3) === 0 ? "\r\n" : "\n";
  const events = streamedReply(random, path, asked);
  if (fault === 1)
    events.splice(
      1,
      events.length,
      `data: {"error":{"message":"out of memory","type":"server_error","code":null}}`,
    );
  // As many events with a usage that the gateway asks for as without, and the begin of one.
  if (fault === 2) events.splice((events.length - Number(asksUsage(asked))) / 2);
  if (random.below(5) === 0) events.splice(random.below(events.length), 0, ": still there");
  const text = events.map((event) => `${event.replaceAll("\n", end)}${end}${end}`).join("");
  return write(random, response, Buffer.from(fault === 2 ? `${text}da` : text), fault === 2);
}

function asksUsage({ stream_options }: { stream_options?: { include_usage?: boolean } | null }): boolean {
  return stream_options?.include_usage === true;
}

/** A body as the client wrote it: the gateway asks for the usage of streams in front of its members. */
function withoutQuestion(body: Buffer): Buffer {
  const text = body.toString("latin1");
  return Buffer.from(text.replace(/^(\s*\{)"stream_options":\{"include_usage":true\},/, "$1"), "latin1");
}

function refuse(random: Random, response: ServerResponse): void {
  const status = [400, 404, 422, 429, 500, 503][random.below(6)] as number;
  response.writeHead(status, {
    "content-type": "application/json",
    ...(status === 429 && { "retry-after": "7" }),
  });
  response.end(
    JSON.stringify({ error: { message: `no: é ${status}`, type: "scripted", param: null, code: "no" } }),
  );
}

/** Cuts what it sends anywhere. @param breaksOff whether the connection ends before the reply does */
async function write(
  random: Random,
  response: ServerResponse,
  bytes: Buffer,
  breaksOff: boolean,
): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const length = random.below(4) === 0 ? 1 + random.below(5) : 1 + random.below(400);
    response.write(bytes.subarray(at, at + length));
    at += length;
    await new Promise(setImmediate);
  }
  if (breaksOff) response.destroy();
  else response.end();
}
