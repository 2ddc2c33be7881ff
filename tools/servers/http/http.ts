import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;

/** A refusal in the form of the protocol: status, a stable reason, and a sentence. */
export class HttpError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly headers: Record<string, string>;

  constructor(status: number, reason: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.headers = headers;
  }
}

export function sendJson(
  response: Response,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  const text = JSON.stringify(body);
  (response as ServerResponse).writeHead(status, {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(text)),
    ...headers,
  });
  response.end(text);
}

const BODY_WITHIN_MS = 10_000;

/**
 * Reads a body.
 * @throws HttpError 413 when it is larger than `limit` bytes, 408 when it ends too early or takes too long
 */
export async function readBody(request: Request, limit: number): Promise<Buffer> {
  const tooLarge = () =>
    new HttpError(413, "body_too_large", `the report is larger than ${limit} bytes`, { connection: "close" });
  if (Number(request.headers["content-length"] ?? 0) > limit) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  let isSlow = false;
  const timer = setTimeout(() => {
    isSlow = true;
    request.destroy();
  }, BODY_WITHIN_MS);
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(
      408,
      "body_incomplete",
      isSlow ? "the report came too slowly" : "the report broke off",
    );
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks, size);
}
