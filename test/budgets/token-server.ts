import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pace } from "../support/pace.ts";

/** Tokens that each prompt has. */
export const PROMPT_TOKENS = 20;

interface Asked {
  stream?: boolean;
  max_tokens?: number;
  stream_options?: { include_usage?: boolean };
}

export interface TokenServer {
  port: number;
  /** Milliseconds from one token of a stream to the next. */
  tokenMs: number;
  /** Tokens that an answer has for each that was asked for: above 1 it does not keep to `max_tokens`. */
  factor: number;
  /** Answers that began, and tokens of them that were sent. */
  begun: number;
  sent: number;
  stop(): Promise<void>;
}

/** A model server of known speed, whose answers have as many tokens as they are asked for. */
export async function startTokenServer(): Promise<TokenServer> {
  const state = { tokenMs: 2, factor: 1, begun: 0, sent: 0 };
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray().catch(() => []));
    if (body.length === 0) return;
    const { stream, max_tokens: most = 1, stream_options: asked } = JSON.parse(body.toString()) as Asked;
    const tokens = Math.round(most * state.factor);
    state.begun++;
    const usage = {
      prompt_tokens: PROMPT_TOKENS,
      completion_tokens: tokens,
      total_tokens: PROMPT_TOKENS + tokens,
    };
    if (!stream) {
      state.sent += tokens;
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ choices: [{ index: 0, message: { content: "x" } }], usage }));
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (event: object) => response.write(`data: ${JSON.stringify({ id: "c", ...event })}\n\n`);
    const piece = (delta: object, finish: string | null = null) =>
      send({ choices: [{ index: 0, delta, finish_reason: finish }], ...(asked && { usage: null }) });
    piece({ role: "assistant", content: "" });
    for (let at = 0; at < tokens && !response.destroyed; at++) {
      await pace(state.tokenMs);
      piece({ content: "x" });
      state.sent++;
    }
    piece({}, "stop");
    if (asked?.include_usage) send({ choices: [], usage });
    response.end("data: [DONE]\n\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(state, {
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
}
