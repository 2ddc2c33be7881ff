import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { type Connection, NO_REPLY, type Outcome, type PreparedRequest } from "./connection.ts";

const MAY_PASS = new Set([0, 404, 408, 425, 429, 500, 502, 503, 504]);

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
    return new Promise((resolve) => {
      const end = (code: number, reason: string, reply: Buffer = NO_REPLY) => {
        clearTimeout(timer);
        const ok = code >= 200 && code < 300 && reason === "";
        resolve({ ok, code, reason, mayPass: MAY_PASS.has(code), reply });
      };
      const sent = send(
        this.url,
        { method, path, agent: this.agent, headers: headersOf(method, payload, headers) },
        (answer) => read(answer, keepReply, end),
      );
      const timer = setTimeout(
        () => sent.destroy(new Error(`no answer in ${Math.round(timeoutMs)} ms`)),
        timeoutMs,
      );
      sent.once("error", (error) => end(0, error.message || String(error)));
      sent.end(payload);
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
  keepReply: boolean,
  end: (code: number, reason: string, reply?: Buffer) => void,
): void {
  const chunks: Buffer[] = [];
  const code = answer.statusCode ?? 0;
  const isError = code < 200 || code >= 300;
  answer.on("data", (chunk: Buffer) => {
    if (keepReply || (isError && chunks.length === 0)) chunks.push(chunk);
  });
  answer.once("error", (error) => end(0, error.message));
  answer.once("end", () => {
    const reply: Buffer = chunks.length === 0 ? NO_REPLY : Buffer.concat(chunks);
    end(
      code,
      isError ? `HTTP status ${code} ${reply.toString("utf8", 0, 200)}`.trim() : "",
      keepReply ? reply : NO_REPLY,
    );
  });
}
