import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type Agent, request as httpRequest } from "node:http";
import { createServer } from "node:http2";
import { request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileAccessLog } from "../../tools/lib/envoy/access-log.ts";
import { WASM_TYPE, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { discoveredFilter, writeFilterConfig } from "../../tools/lib/envoy/extension-config.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import type { Call } from "./auth.ts";
import { type TestBootstrapOptions, testBootstrap } from "./bootstrap.ts";
import { settle } from "./pace.ts";

export interface AuthAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

export interface AuthGateway {
  envoy: RunningEnvoy;
  /** Sends a call; what reaches the model server comes back as `{"headers": [...], "body": "..."}`. */
  send(call: Call, more?: { agent?: Agent; tls?: object }): Promise<AuthAnswer>;
  /** Gives the filters another configuration of tenant-auth, without a new VM. */
  configure(tenantAuth: object): Promise<void>;
  /** The whole access log so far. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

/** The real Envoy with two workers, gateway.wasm, and a server behind it that tells what it got. */
export async function startAuthGateway(
  tenantAuth: object,
  more: Pick<TestBootstrapOptions, "clusters" | "removedHeaders" | "routes" | "tls"> = {},
): Promise<AuthGateway> {
  const folder = await mkdtemp(join(tmpdir(), "modelgate-auth-"));
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk) => {
      body += chunk;
    });
    request.once("end", () => response.end(JSON.stringify({ headers: request.headers, body })));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const filterFile = join(folder, "filter.json");
  const configure = (own: object) =>
    writeFilterConfig(
      filterFile,
      wasmFilter("gateway", modulePath("gateway"), {
        tenantAuth: own,
        rateLimit: {},
        protocolConversion: {},
        accessLog: {},
      }),
    );
  await configure(tenantAuth);
  const envoy = await startEnvoy({
    envoy: await findEnvoy(),
    concurrency: 2,
    bootstrap: testBootstrap({
      tasks: [{ taskid: "666", port: (server.address() as AddressInfo).port }],
      routes: [{ match: { prefix: "/" }, route: { cluster: "task-666" } }],
      filters: [discoveredFilter("modelgate.gateway", filterFile, WASM_TYPE)],
      accessLogs: [fileAccessLog(join(folder, "access.log"))],
      ...more,
    }),
  });
  return {
    envoy,
    configure,
    send: (call, options) => send(envoy.port, call, options),
    async log() {
      await settle(300);
      return readFile(join(folder, "access.log"), "latin1");
    },
    async stop() {
      await envoy.stop();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function send(
  port: number,
  { method, path, authority, headers, body }: Call,
  { agent, tls }: { agent?: Agent; tls?: object } = {},
): Promise<AuthAnswer> {
  const raw = ["host", authority ?? "gateway.example", ...headers.flat()];
  if (body !== undefined) raw.push("content-length", String(Buffer.byteLength(body)));
  const options = {
    host: "127.0.0.1",
    port,
    method: method ?? (body === undefined ? "GET" : "POST"),
    path: path ?? "/v2/models/m/infer",
    headers: raw,
    agent: agent ?? false,
  };
  const request = tls ? httpsRequest({ ...options, ...tls } as never) : httpRequest(options as never);
  request.end(body);
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return { status: response.statusCode, headers: response.headers, text };
}
