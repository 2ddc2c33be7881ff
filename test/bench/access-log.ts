import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { KEPT_STATS } from "../../tools/cluster/istio/gateway-workload.ts";
import { fileAccessLog } from "../../tools/lib/envoy/access-log.ts";
import { httpCluster, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import type { EnvoySource } from "../../tools/lib/envoy/find.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { compileModule } from "../../tools/lib/wasm/compile.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import type { TestBootstrapOptions } from "../support/bootstrap.ts";
import { type LogReceiver, startLogReceiver } from "./log-receiver.ts";
import {
  grpcAccessLog,
  istioTextAccessLog,
  jsonAccessLog,
  NATIVE_LOG_FIELDS,
  otlpAccessLog,
} from "./native.ts";
import { measure, type Row, type Variant } from "./variants.ts";

const WORKERS = [1, 2];
const KEYS = Array.from({ length: 1000 }, (_, i) => `secret-key-number-${i}`);
const FILE = "/dev/null";
const NATIVE = "native JSON file log, 19 fields";
const REQUESTS = 25_000;
/** Longer than batches and Envoy's buffers wait. */
const SETTLE_MS = 2200;

export interface AccessLogRow extends Row {
  workers: number;
}

/**
 * What a log of each request adds to `gateway.wasm`: our stage in it beside Envoy's own loggers, on a small request that Envoy answers
 * itself. What is put off (buffers, batches) counts. Istio's own stats filter is compiled into Istio's Envoy only: its row is its log
 * format with Envoy's stats, which it adds to.
 */
export async function accessLogs(envoy: EnvoySource, rounds: number): Promise<AccessLogRow[]> {
  const bare = fileURLToPath(new URL("build/test/gateway-without-log.wasm", PROJECT_ROOT));
  await compileModule(fileURLToPath(new URL("test/wasm/gateway-without-log.ts", PROJECT_ROOT)), bare);
  const receiver = await startLogReceiver();
  try {
    const rows: AccessLogRow[] = [];
    for (const workers of WORKERS) {
      console.error(`access log, ${workers} workers`);
      const variants = variantsOf(bare, receiver).map((variant) => ({ ...variant, workers }));
      const measured = await measure(envoy, variants, rounds);
      rows.push(...measured.map((row) => ({ ...row, workers })));
    }
    return rows;
  } finally {
    receiver.stop();
  }
}

function variantsOf(bare: string, receiver: LogReceiver): Variant[] {
  const base = { ...stages() };
  const without = (name: string, accessLogs: object[], more: Partial<TestBootstrapOptions> = {}) =>
    variant(name, wasmFilter("gateway", bare, base), { accessLogs, ...more }, receiver);
  const ours = (
    name: string,
    accessLog: object,
    accessLogs: object[] = [],
    more: Partial<TestBootstrapOptions> = {},
  ) =>
    variant(
      name,
      wasmFilter("gateway", modulePath("gateway"), { ...base, accessLog }),
      { accessLogs, ...more },
      receiver,
    );
  const fields = NATIVE_LOG_FIELDS.map((field) => ({ field }));
  const sample = { ratio: 0.01, slowerThanMs: 1000 };
  const collector = { cluster: "collector", maxQueueBytes: 64 * 1024 * 1024 };
  return [
    without("no log", []),
    without(NATIVE, [jsonAccessLog(FILE)]),
    without("native OTLP log, 19 fields", [otlpAccessLog("task-logs")]),
    without("native gRPC access log service", [grpcAccessLog("task-logs")]),
    ours("log stage, file, the same 19 fields", { fields }, [fileAccessLog(FILE, { fields })]),
    ours("log stage, file, all 31 fields", {}, [fileAccessLog(FILE)]),
    ours("log stage, file, 1 % of the requests", {}, [fileAccessLog(FILE, { sample })]),
    ours("log stage, file, 19 fields and phases", { fields: [...fields, { field: "phases" }] }, [
      fileAccessLog(FILE, { fields }),
    ]),
    ours("log stage, batches of JSON, 19 fields", { fields, collector }),
    ours("log stage, batches of protobuf, 19 fields", {
      fields,
      collector: { ...collector, format: "protobuf" },
    }),
    ours("log stage, batches of JSON, 1 % of the requests", {
      collector: { ...collector, sample: { ratio: 0.01, slowerThanMilliseconds: 1000 } },
    }),
    without("Istio's default log, all of Envoy's stats", [istioTextAccessLog(FILE)]),
    ours("log stage, file, all 31 fields, stats off", {}, [fileAccessLog(FILE)], { keptStats: KEPT_STATS }),
  ];
}

function variant(
  name: string,
  filter: object,
  more: Partial<TestBootstrapOptions>,
  { port, grpcPort }: LogReceiver,
): Variant {
  return {
    name,
    envoy: {
      tasks: [{ taskid: "logs", port: grpcPort }],
      routes: [{ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: "ok" } } }],
      filters: [filter],
      clusters: [httpCluster("collector", port)],
      ...more,
    },
    load: {
      path: "/v1/models/x:predict",
      headers: {
        "x-api-key": KEYS[7] as string,
        taskid: "666",
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      },
      requests: REQUESTS,
      connections: 20,
      settle: SETTLE_MS,
    },
  };
}

function stages(): object {
  const credentials = KEYS.map((key, i) => ({
    id: `c${i}`,
    sha256: createHash("sha256").update(key).digest("hex"),
  }));
  return {
    tenantAuth: { tenants: [{ tenant: "bench", credentials, tasks: [{ task: "666" }] }] },
    rateLimit: { tasks: [{ taskid: "666", requestsPerSecond: 100_000_000 }], tenants: [] },
    protocolConversion: { tasks: [] },
  };
}

/** The rows as text: microseconds of CPU, and what a log adds beside the native JSON log, by workers. */
export function accessLogTable(rows: AccessLogRow[]): string {
  const of = (name: string, workers: number) =>
    rows.find((row) => row.name === name && row.workers === workers) as AccessLogRow;
  const lines = [
    "\nAccess log: CPU microseconds of Envoy per request (added to no log's; x the native JSON log's)",
  ];
  lines.push(`  ${"".padEnd(54)}${WORKERS.map((workers) => `${workers} workers`.padStart(26)).join("")}`);
  for (const name of new Set(rows.map((row) => row.name))) {
    const cells = WORKERS.map((workers) => {
      const { cpuMicroseconds, added } = of(name, workers);
      const ratio = (added / of(NATIVE, workers).added).toFixed(2);
      return `${cpuMicroseconds.toFixed(1)} (+${added.toFixed(1)}; ${ratio} x)`.padStart(26);
    });
    lines.push(`  ${name.padEnd(54)}${cells.join("")}`);
  }
  return lines.join("\n");
}
