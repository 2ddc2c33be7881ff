import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { type Connection, NO_REPLY, type Outcome, type PreparedRequest } from "./connection.ts";
import { answersTokens, TokenReader } from "./token-reader.ts";

const MAY_PASS = new Set([0, 404, 408, 425, 429, 500, 502, 503, 504]);

/** Called once, with the HTTP status (0 for no answer) and what was wrong. */
type End = (code: number, reason: string, more?: Pick<Outcome, "reply" | "tokens">) => void;

/**
 * HTTP/1.1 requests over connections that are kept alive.
 * @param origin `http://host:port` or `https://host:port`
 */
export class HttpConnection implements Connection {
  private readonly url: URL;
  private readonly agent: HttpAgent | HttpsAgent;

  constructor(origin: string) {
    this.url = new URL(origin);
    const Agent = this.url.protocol === "https:" ? HttpsAgent : HttpAgent;
    this.agent = new Agent({ keepAlive: true });
  }

  send(request: PreparedRequest, timeoutMs: number, keepReply = false): Promise<Outcome> {
    const { method, path, headers, payload } = request;
    const send = this.url.protocol === "https:" ? httpsRequest : httpRequest;
    const fields = headersOf(method, payload, headers);
    return new Promise((resolve) => {
      let sent: ClientRequest;
      const timer = setTimeout(
        () => sent.destroy(new Error(`no answer in ${Math.round(timeoutMs)} ms`)),
        timeoutMs,
      );
      const end: End = (code, reason, more) => {
        clearTimeout(timer);
        const ok = code >= 200 && code < 300 && reason === "";
        resolve({ ok, code, reason, mayPass: MAY_PASS.has(code), reply: NO_REPLY, ...more });
      };
      const start = () => {
        let isAnswered = false;
        sent = send(this.url, { method, path, agent: this.agent, headers: fields }, (answer) => {
          isAnswered = true;
          read(answer, { keepReply, hasTokens: answersTokens(path) }, end);
        });
        sent.once("error", (error: NodeJS.ErrnoException) => {
          // The server closed a connection that was idle just as it was used again: nothing was begun on it.
          if (sent.reusedSocket && !isAnswered && error.code === "ECONNRESET") start();
          else end(0, error.message || String(error));
        });
        sent.end(payload);
      };
      start();
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

function headersOf(method: string, payload: Buffer, headers: Record<string, string>): Record<string, string> {
  if (method === "GET") return headers;
  return { "content-type": "application/json", "content-length": String(payload.length), ...headers };
}

function read(
  answer: IncomingMessage,
  { keepReply, hasTokens }: { keepReply: boolean; hasTokens: boolean },
  end: End,
): void {
  const chunks: Buffer[] = [];
  const code = answer.statusCode ?? 0;
  const isError = code < 200 || code >= 300;
  const tokens = hasTokens && !isError ? new TokenReader(answer.headers["content-type"]) : undefined;
  answer.on("data", (chunk: Buffer) => {
    tokens?.add(chunk, performance.now());
    if (keepReply || (isError && chunks.length === 0)) chunks.push(chunk);
  });
  answer.once("error", (error) => end(0, error.message));
  answer.once("end", () => {
    const reply: Buffer = chunks.length === 0 ? NO_REPLY : Buffer.concat(chunks);
    const refusal = isError ? `HTTP status ${code} ${reply.toString("utf8", 0, 200)}`.trim() : "";
    const fault = tokens?.end();
    end(code, fault || refusal, {
      reply: keepReply ? reply : NO_REPLY,
      ...(tokens && { tokens: tokens.tokens }),
    });
  });
}
