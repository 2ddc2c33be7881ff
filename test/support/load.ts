import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { pace } from "./pace.ts";
import { within } from "./until.ts";

export interface LoadOptions {
  port: number;
  headers: Record<string, string>;
  connections: number;
  /** Offered, by all connections together. */
  requestsPerSecond: number;
  seconds: number;
  /** Ends it before. */
  signal?: AbortSignal;
  path?: string;
  /** Body of each request, which is a POST then. */
  body?: string;
  /** Called with each answer's HTTP status; 0 when there was none. */
  onAnswer?: (status: number) => void;
}

/** What came back: counts by HTTP status. */
export type Statuses = Record<number, number>;

/**
 * Offers requests at a steady pace over HTTP/2, in turn over some connections to 127.0.0.1, whatever the answers. Waits
 * for them at the end.
 */
export async function offer(options: LoadOptions): Promise<Statuses> {
  const { port, headers, connections, requestsPerSecond, seconds, path = "/", body, onAnswer } = options;
  const statuses: Statuses = {};
  let answered = 0;
  const sessions = await Promise.all(
    Array.from({ length: connections }, async () => {
      const session = connect(`http://127.0.0.1:${port}`);
      session.on("error", () => {});
      await once(session, "connect");
      return session;
    }),
  );
  const send = (session: ClientHttp2Session) => {
    let status = 0;
    const method = body === undefined ? "GET" : "POST";
    const stream = session.request(
      { ":method": method, ":path": path, ...headers },
      { endStream: body === undefined },
    );
    if (body !== undefined) stream.end(body);
    stream.on("response", (response) => {
      status = response[":status"] ?? 0;
    });
    stream.on("error", () => {});
    stream.on("close", () => {
      statuses[status] = (statuses[status] ?? 0) + 1;
      answered++;
      onAnswer?.(status);
    });
    stream.resume();
  };
  const total = Math.round(requestsPerSecond * seconds);
  const start = performance.now();
  let sent = 0;
  while (sent < total && !options.signal?.aborted) {
    await pace(1);
    const due = Math.min(Math.floor(((performance.now() - start) / 1000) * requestsPerSecond), total);
    for (; sent < due; sent++) send(sessions[sent % connections] as ClientHttp2Session);
  }
  await within(() => answered >= sent, {});
  for (const session of sessions) session.destroy();
  return statuses;
}
