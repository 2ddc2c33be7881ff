import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FileLogOptions, fileAccessLog } from "../../tools/lib/envoy/access-log.ts";
import { bootstrap, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import type { Protection } from "../../tools/lib/envoy/protection.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { type ModelServer, startModelServer } from "../../tools/serving/model-server/server.ts";
import { until } from "./until.ts";

export const KEY = "a-good-key";

export const pluginConfig = {
  tenantAuth: {
    tenants: [
      {
        tenant: "search",
        credentials: [{ id: "search-1", sha256: createHash("sha256").update(KEY).digest("hex") }],
        tasks: [
          { task: "666" },
          { task: "limited" },
          { task: "gone" },
          { task: "v", versions: ["v1", "v2"] },
        ],
      },
    ],
  },
  rateLimit: { tasks: [{ taskid: "limited", requestsPerSecond: 1, burst: 10 }], tenants: [] },
  protocolConversion: {
    tasks: [{ taskid: "666" }, { taskid: "gone" }, { taskid: "v" }, { taskid: "limited" }],
  },
  accessLog: {},
};

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

export interface TestGateway {
  envoy: RunningEnvoy;
  post(path: string, body: string | Uint8Array, headers?: Record<string, string>): Promise<Answer>;
  /** Lines of the access log that satisfy a predicate, waiting up to two seconds for the first one. */
  logged(predicate: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>[]>;
  /** The access log so far. */
  logText(): Promise<string>;
  stop(): Promise<void>;
}

export interface TestGatewayOptions {
  log?: FileLogOptions;
  clusters?: object[];
  protection?: Protection;
  /** Of the listener. */
  metadata?: object;
  /** Worker threads; default: 2. */
  concurrency?: number;
}

/** Starts the real Envoy with `filters` (default: gateway.wasm) and the demo's model server. */
export async function startTestGateway(
  filters?: object[],
  { log, clusters = [], protection, metadata, concurrency = 2 }: TestGatewayOptions = {},
): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), "modelgate-test-"));
  const accessLog = join(folder, "access.log");
  const models: ModelServer = await startModelServer();
  const closed = await startModelServer();
  closed.stop();
  const envoy = await startEnvoy({
    envoy: await findEnvoy(),
    concurrency,
    bootstrap: bootstrap({
      tasks: [
        ...["666", "limited", "v"].map((taskid) => ({ taskid, port: models.port })),
        { taskid: "gone", port: closed.port },
      ],
      accessLogs: [fileAccessLog(accessLog, log)],
      clusters,
      ...(protection && { protection }),
      ...(metadata && { metadata }),
      filters: filters ?? [wasmFilter("gateway", modulePath("gateway"), pluginConfig)],
    }),
  });
  return {
    envoy,
    async post(path, body, headers = {}) {
      const response = await fetch(`http://127.0.0.1:${envoy.port}${path}`, {
        method: "POST",
        headers: { "x-api-key": KEY, taskid: "666", ...headers },
        body: body as BodyInit,
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    },
    async logged(predicate) {
      const matching = async () => {
        const lines = (await readFile(accessLog, "utf8").catch(() => "")).trim().split("\n").filter(Boolean);
        const found = lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(predicate);
        return found.length > 0 && found;
      };
      return until(matching, { message: "no such line in the access log" });
    },
    logText: () => readFile(accessLog, "utf8").catch(() => ""),
    async stop() {
      await envoy.stop();
      models.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Value of an Envoy stat, 0 when there is none. */
export async function stat(envoy: RunningEnvoy, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${envoy.adminPort}/stats?filter=${name}`);
  return Number(/: (\d+)/.exec(await response.text())?.[1] ?? 0);
}
