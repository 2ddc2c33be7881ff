import { type ClientHttp2Session, connect } from "node:http2";
import { FEATURES } from "../../tools/serving/model-server/linear-model.ts";
import { claims, jwt, KEY } from "../support/auth.ts";
import { frame, ModelInferRequest } from "../support/conversion.ts";

/** What a request got: an HTTP status and, over gRPC, its status; 0 when it was lost. */
export interface Outcome {
  status: number;
  grpcStatus?: string;
  /** Why it was lost. */
  error?: string;
}

export interface Kind {
  name: string;
  /** Of a hundred requests, so many. */
  share: number;
  send(port: number): Promise<Outcome>;
  accepts(outcome: Outcome): boolean;
}

const INFER = "/v2/models/linear/infer";
const GRPC = "/inference.GRPCInferenceService/ModelInfer";

function tensor(rows: number): string {
  const data = Array.from({ length: rows * FEATURES }, (_, i) => Math.fround(Math.sin(i)));
  return JSON.stringify({ inputs: [{ name: "x", shape: [rows, FEATURES], datatype: "FP32", data }] });
}

const small = tensor(10);
const medium = tensor(600);
const large = tensor(6000);
const message = frame(
  ModelInferRequest.encode(
    ModelInferRequest.fromObject({
      modelName: "linear",
      inputs: [{ name: "x", datatype: "FP32", shape: [10, FEATURES] }],
      rawInputContents: [Buffer.alloc(10 * FEATURES * 4, 1)],
    }),
  ).finish(),
);

const ok = ({ status }: Outcome) => status === 200;
const refused = (wanted: number) => (outcome: Outcome) => outcome.status === wanted;
const withKey = (key = KEY, taskid = "666") => ({ "x-api-key": key, taskid });

/** What callers of a gateway send, good and bad. */
export const KINDS: Kind[] = [
  { name: "JSON, 1 KB, HTTP/1.1", share: 30, send: (port) => http1(port, withKey(), small), accepts: ok },
  { name: "JSON, 1 KB, HTTP/2", share: 15, send: (port) => http2(port, withKey(), small), accepts: ok },
  { name: "JSON, 60 KB, HTTP/2", share: 8, send: (port) => http2(port, withKey(), medium), accepts: ok },
  { name: "JSON, 0.6 MB, HTTP/1.1", share: 2, send: (port) => http1(port, withKey(), large), accepts: ok },
  {
    name: "a new token each time",
    share: 10,
    send: (port) => http1(port, { authorization: `Bearer ${newToken()}`, taskid: "666" }, small),
    accepts: ok,
  },
  {
    name: "gRPC",
    share: 10,
    send: (port) =>
      http2(port, { ...withKey(), "content-type": "application/grpc", te: "trailers" }, message, GRPC),
    accepts: ({ status, grpcStatus }) => status === 200 && grpcStatus === "0",
  },
  {
    name: "unknown key",
    share: 6,
    send: (port) => http1(port, withKey("nobody"), small),
    accepts: refused(401),
  },
  {
    name: "forbidden task",
    share: 5,
    send: (port) => http2(port, withKey(KEY, "ads-1"), small),
    accepts: refused(403),
  },
  {
    name: "broken JSON",
    share: 5,
    send: (port) => http1(port, withKey(), small.slice(0, -9)),
    accepts: refused(400),
  },
  {
    name: "over its limit",
    share: 5,
    send: (port) => http2(port, withKey(KEY, "search-limited"), small),
    accepts: ({ status }) => status === 200 || status === 429,
  },
  { name: "leaves in the middle", share: 4, send: leave, accepts: () => true },
];

let tokens = 0;

function newToken(): string {
  return jwt({ claims: claims({ jti: `soak-${++tokens}` }) });
}

async function http1(port: number, headers: Record<string, string>, body: string): Promise<Outcome> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${INFER}`, { method: "POST", headers, body });
    await response.arrayBuffer();
    return { status: response.status };
  } catch {
    return { status: 0 };
  }
}

let session: ClientHttp2Session | undefined;
/**
 * Envoy resets a stream that it refused before the request was whole, and with it what of the reply the connection's window
 * had no room for. This one always has room.
 */
const WINDOW_BYTES = 64 << 20;

function openSession(port: number): ClientHttp2Session {
  if (session === undefined || session.closed || session.destroyed) {
    session = connect(`http://127.0.0.1:${port}`);
    session.on("error", () => {});
    session.on("connect", (connected) => connected.setLocalWindowSize(WINDOW_BYTES));
    session.unref();
  }
  return session;
}

function http2(
  port: number,
  headers: Record<string, string>,
  body: string | Buffer,
  path = INFER,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const outcome: Outcome = { status: 0 };
    const stream = openSession(port).request({ ":method": "POST", ":path": path, ...headers });
    const note = (fields: Record<string, unknown>) => {
      if (fields["grpc-status"] !== undefined) outcome.grpcStatus = String(fields["grpc-status"]);
    };
    stream.on("response", (fields) => {
      outcome.status = Number(fields[":status"]);
      note(fields);
    });
    stream.on("trailers", note);
    stream.on("error", (error) => {
      outcome.error = `${error.message} after ${outcome.status}`;
      outcome.status = 0;
    });
    stream.on("close", () => resolve(outcome));
    stream.resume();
    stream.end(body);
  });
}

/** Sends half a body and goes. */
function leave(port: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const stream = openSession(port).request({ ":method": "POST", ":path": INFER, ...withKey() });
    stream.on("error", () => {});
    stream.on("close", () => resolve({ status: 0 }));
    stream.write(medium.slice(0, medium.length / 2));
    setTimeout(() => stream.close(), 20);
  });
}

/** Releases the connection that the kinds share. */
export function hangUp(): void {
  session?.close();
}
