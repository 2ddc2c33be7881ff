import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileAccessLog } from "../../tools/lib/envoy/access-log.ts";
import { type BootstrapOptions, bootstrap, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { digestOf } from "./auth.ts";
import { settle } from "./pace.ts";

export const KEY = "the-key-of-search";
/** Sent by whoever has no credential: a request with it must never reach a model. */
export const STRANGER = "x-stranger";

/** A request as a model server got it. */
export interface Reached {
  task: string;
  path: string;
  headers: Record<string, string | string[] | undefined>;
}

export interface AbusedGateway {
  envoy: RunningEnvoy;
  port: number;
  reached: Reached[];
  /** Sends bytes and reads until the connection ends or nothing comes for a while. @returns the answers' statuses, and all that came */
  raw(request: string, quiet?: number): Promise<{ statuses: number[]; text: string }>;
  /** Numbers of VMs made and made anew. */
  vmStats(): Promise<string>;
  /** Lines of the access log so far. */
  log(): Promise<string[]>;
  stop(): Promise<void>;
}

/** The real Envoy with gateway.wasm; tenant `search` may call task 666, and nobody task `secret`. Each has a server that notes what it gets. */
export async function startAbusedGateway(): Promise<AbusedGateway> {
  const folder = await mkdtemp(join(tmpdir(), "modelgate-abuse-"));
  const reached: Reached[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const model = async (task: string) => {
    const server = createServer((request, response) => {
      reached.push({ task, path: request.url, headers: request.headers });
      request.on("error", () => {});
      request.resume().once("end", () => response.end("{}"));
    });
    server.on("session", (session: ServerHttp2Session) => {
      sessions.add(session);
      session.on("error", () => {});
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return server;
  };
  const servers = { "666": await model("666"), secret: await model("secret") };
  const config = {
    tenantAuth: {
      apiKey: { headers: ["x-api-key"], queryParameter: "api_key" },
      tenants: [
        { tenant: "search", credentials: [{ id: "a", sha256: digestOf(KEY) }], tasks: [{ task: "666" }] },
        { tenant: "ads", credentials: [{ id: "b", sha256: digestOf("other") }], tasks: [{ task: "secret" }] },
      ],
    },
    rateLimit: { tasks: [{ taskid: "666", requestsPerSecond: 100_000 }] },
    protocolConversion: { tasks: [{ taskid: "json" }] },
    accessLog: {},
  };
  const logFile = join(folder, "access.log");
  const envoy = await startEnvoy({
    envoy: await findEnvoy(),
    concurrency: 1,
    bootstrap: closingSoon({
      tasks: Object.entries(servers).map(([taskid, server]) => ({
        taskid,
        port: (server.address() as AddressInfo).port,
      })),
      filters: [wasmFilter("gateway", modulePath("gateway"), config)],
      accessLogs: [fileAccessLog(logFile)],
    }),
  });
  return {
    envoy,
    port: envoy.port,
    reached,
    raw: (request, quiet) => raw(envoy.port, request, quiet),
    async vmStats() {
      const stats = await fetch(`http://127.0.0.1:${envoy.adminPort}/stats?filter=vm_reload|wasm.*created`);
      return stats.text();
    },
    async log() {
      await settle(300);
      const text = await readFile(logFile, "utf8").catch(() => "");
      return text.split("\n").filter(Boolean);
    },
    async stop() {
      await envoy.stop();
      for (const session of sessions) session.destroy();
      for (const server of Object.values(servers)) server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A connection that Envoy gave up ends after this; Envoy's default, a second, is what most tests would wait for. */
const CLOSING = "0.02s";

function closingSoon(options: BootstrapOptions): object {
  const made = bootstrap(options) as {
    static_resources: { listeners: { filter_chains: { filters: { typed_config: object }[] }[] }[] };
  };
  for (const { filter_chains } of made.static_resources.listeners)
    for (const { filters } of filter_chains)
      Object.assign(filters.at(-1)?.typed_config ?? {}, { delayed_close_timeout: CLOSING });
  return made;
}

async function raw(
  port: number,
  request: string,
  quiet = 150,
): Promise<{ statuses: number[]; text: string }> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, quiet);
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      text += chunk;
      timer.refresh();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.write(Buffer.from(request, "latin1"));
  });
  socket.destroy();
  return { statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status)), text };
}
