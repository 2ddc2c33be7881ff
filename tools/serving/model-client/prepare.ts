import { readFile } from "node:fs/promises";
import type protobuf from "protobufjs";
import { type ModelRequest, modelRequest } from "../../api/warm-up.ts";
import { ANSWER_TIMEOUT_MS, type Connection, type PreparedRequest } from "./connection.ts";
import { GrpcConnection } from "./grpc-connection.ts";
import { HttpConnection } from "./http-connection.ts";
import { languageModelRequest } from "./language-model-request.ts";
import { madeRequest } from "./made-request.ts";
import { findMethod, ownProtocols, readProtocols } from "./methods.ts";
import type { PrepareOptions } from "./model-request.ts";
import { encodeJson } from "./protobuf-json.ts";
import { reflect } from "./reflection.ts";

/**
 * Requests ready to be sent in turn: one, or those of a file.
 * @throws Error that names the field, file and line at fault, or says what the server answered
 */
export async function prepareRequests(
  request: ModelRequest,
  options: PrepareOptions,
): Promise<PreparedRequest[]> {
  if (request.file === undefined) return [await prepare(request, options)];
  const text = await readFile(request.file, "utf8").catch(() => {
    throw new Error(`${request.file}: cannot be read`);
  });
  const lines = text.split("\n").map((line, index) => ({ line, place: `${request.file}:${index + 1}` }));
  const prepared: PreparedRequest[] = [];
  for (const { line, place } of lines) {
    if (line.trim() === "") continue;
    prepared.push(await prepare(parseLine(line, place), options).catch(at(place)));
  }
  if (prepared.length === 0) throw new Error(`${request.file}: holds no request`);
  return prepared;
}

/** A connection that speaks what the requests are. @throws Error when they are of both protocols */
export function connectFor(requests: PreparedRequest[], origin: string, sessions = 1): Connection {
  const [first] = requests;
  if (requests.some(({ protocol }) => protocol !== first?.protocol))
    throw new Error("requests must be all gRPC (method, message) or all HTTP (path, body)");
  return first?.protocol === "grpc" ? new GrpcConnection(origin, sessions) : new HttpConnection(origin);
}

function parseLine(line: string, place: string): ModelRequest {
  try {
    const parsed = modelRequest.safeParse(JSON.parse(line));
    if (parsed.success && parsed.data.file === undefined) return parsed.data;
    const issue = parsed.error?.issues[0];
    throw new Error(
      issue ? `${issue.path.map(String).join(".")} ${issue.message}`.trim() : "must not name a file",
    );
  } catch (error) {
    return at(place)(error);
  }
}

function at(place: string): (error: unknown) => never {
  return (error) => {
    throw new Error(`${place}: ${error instanceof Error ? error.message : String(error)}`);
  };
}

async function prepare(request: ModelRequest, options: PrepareOptions): Promise<PreparedRequest> {
  if (request.model !== undefined) return madeFor({ ...request, model: request.model }, options);
  const { method, path, message = {}, body } = request;
  if (path !== undefined) {
    const payload = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
    return { protocol: "http", method: body === undefined ? "GET" : "POST", path, headers: {}, payload };
  }
  const type = await requestType(method ?? "", options);
  return {
    protocol: "grpc",
    method: "POST",
    path: method ?? "",
    headers: {},
    payload: encodeJson(type, message),
  };
}

/** A request that is made from what is known of the model. */
async function madeFor(
  request: ModelRequest & { model: string },
  { basePath = "/v1", stream = false, protocol, ...options }: PrepareOptions,
): Promise<PreparedRequest> {
  if (protocol !== "openai") return madeRequest(request, { ...options, protocol });
  const { model, batch: words = 1 } = request;
  return languageModelRequest({ model, words, basePath, stream });
}

async function requestType(
  path: string,
  { origin, protos, protoPaths = [], timeoutMs = ANSWER_TIMEOUT_MS }: PrepareOptions,
): Promise<protobuf.Type> {
  const root = protos ? readProtocols(protos, protoPaths) : ownProtocols();
  const known = findMethod(root, path);
  if (known) return known.request;
  if (protos) throw new Error(`${path}: is not in ${protos.join(", ")}`);
  const connection = new GrpcConnection(origin);
  try {
    const reflected = findMethod(await reflect(connection, path.split("/")[1] ?? "", timeoutMs), path);
    if (!reflected) throw new Error(`${path}: the server has no such method`);
    return reflected.request;
  } finally {
    connection.close();
  }
}
