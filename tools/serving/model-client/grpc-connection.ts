import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { type Connection, NO_REPLY, type Outcome, type PreparedRequest } from "./connection.ts";

const PREFIX_BYTES = 5;
const WINDOW_BYTES = 16 * 1024 * 1024;

/**
 * gRPC statuses (https://grpc.github.io/grpc/core/md_doc_statuscodes.html) of a model server that is still
 * coming up.
 */
const MAY_PASS = new Set([-1, 4, 5, 8, 9, 10, 13, 14]);

/**
 * Unary gRPC calls over HTTP/2 sessions to one address, in turn. The message is taken as bytes, so that a
 * load generator encodes nothing. A session that got a GOAWAY finishes what is under way, and the next call
 * opens another.
 * @param origin `http://host:port` (prior knowledge) or `https://host:port`
 */
export class GrpcConnection implements Connection {
  private readonly origin: string;
  private readonly sessions: (ClientHttp2Session | undefined)[];
  private next = 0;

  constructor(origin: string, sessions = 1) {
    this.origin = origin;
    this.sessions = new Array(sessions).fill(undefined);
  }

  send(request: PreparedRequest, timeoutMs: number, keepReply = false): Promise<Outcome> {
    return this.call(request, [request.payload], timeoutMs, keepReply);
  }

  /** One call with a message or several; all that comes back is joined. */
  call(
    request: PreparedRequest,
    messages: Buffer[],
    timeoutMs: number,
    keepReply: boolean,
  ): Promise<Outcome> {
    return new Promise((resolve) => {
      let status = -1;
      let reason = "the stream broke off";
      const chunks: Buffer[] = [];
      let stream: ClientHttp2Stream;
      try {
        stream = this.open(request, timeoutMs);
      } catch (error) {
        // A header field that HTTP/2 has not, or a session that can open no more streams.
        reason = error instanceof Error ? error.message : String(error);
        resolve({ ok: false, code: -1, reason, mayPass: false, reply: NO_REPLY });
        return;
      }
      const timer = setTimeout(() => {
        status = 4;
        reason = `no answer in ${Math.round(timeoutMs)} ms`;
        stream.close(constants.NGHTTP2_CANCEL);
      }, timeoutMs);
      const read = (headers: Record<string, unknown>) => {
        const httpStatus = headers[":status"];
        if (headers["grpc-status"] !== undefined) {
          status = Number(headers["grpc-status"]);
          reason = status === 0 ? "" : decode(String(headers["grpc-message"] ?? ""));
        } else if (httpStatus !== undefined && httpStatus !== 200) reason = `HTTP status ${httpStatus}`;
      };
      stream.on("response", read);
      stream.on("trailers", read);
      stream.on("error", (error) => {
        if (status === -1) reason = error.message;
      });
      if (keepReply) stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      else stream.resume();
      stream.once("close", () => {
        clearTimeout(timer);
        const reply = keepReply ? Buffer.concat(chunks) : NO_REPLY;
        resolve({ ok: status === 0, code: status, reason, mayPass: MAY_PASS.has(status), reply });
      });
      for (const message of messages) stream.write(framed(message));
      stream.end();
    });
  }

  close(): void {
    for (const session of this.sessions) session?.destroy();
    this.sessions.fill(undefined);
  }

  private open(request: PreparedRequest, timeoutMs: number): ClientHttp2Stream {
    return this.session().request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: request.path,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
      [constants.HTTP2_HEADER_TE]: "trailers",
      "grpc-timeout": `${Math.ceil(timeoutMs)}m`,
      ...request.headers,
    });
  }

  private session(): ClientHttp2Session {
    const slot = this.next++ % this.sessions.length;
    const known = this.sessions[slot];
    if (known && !known.closed && !known.destroyed) return known;
    const session = connect(this.origin, { settings: { initialWindowSize: WINDOW_BYTES } });
    const leave = () => {
      if (this.sessions[slot] === session) this.sessions[slot] = undefined;
    };
    session.on("error", leave);
    session.once("close", leave);
    session.on("goaway", () => {
      leave();
      session.close();
    });
    session.unref();
    this.sessions[slot] = session;
    return session;
  }
}

function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, PREFIX_BYTES);
  return frame;
}

/** The messages of a reply. */
export function* messages(reply: Buffer): Generator<Buffer> {
  for (let at = 0; at + PREFIX_BYTES <= reply.length; ) {
    const length = reply.readUInt32BE(at + 1);
    yield reply.subarray(at + PREFIX_BYTES, at + PREFIX_BYTES + length);
    at += PREFIX_BYTES + length;
  }
}

function decode(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
