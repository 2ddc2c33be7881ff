import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrap, httpCluster, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { settle } from "./pace.ts";

/** One decision, as Envoy's access log has it. */
export interface Decision {
  /** When Envoy got the request, in seconds since 1970. */
  at: number;
  status: number;
  /** From the first byte to the last one, in milliseconds. */
  duration: number;
  taskid: string;
}

export interface LimitsGateway {
  envoy: RunningEnvoy;
  decisions(): Promise<Decision[]>;
  stop(): Promise<void>;
}

export interface LimitsGatewayOptions {
  workers: number;
  /** The field `rateLimit` of the plug-in configuration. */
  rateLimit: object;
  controllerPort?: number;
  node?: string;
  /** Routes, instead of one that Envoy answers itself. */
  routes?: object[];
  clusters?: object[];
  /** Instead of rate-limit.wasm, and what its configuration has beside `rateLimit`. */
  module?: string;
  configuration?: object;
}

const OK_ROUTE = { match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: "ok" } } };

/** Starts an Envoy that has rate-limit.wasm in front of answers of its own. */
export async function startLimitsGateway(options: LimitsGatewayOptions): Promise<LimitsGateway> {
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-limits-"));
  const file = join(folder.path, "access.log");
  const accessLog = {
    name: "envoy.access_loggers.file",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
      path: file,
      log_format: {
        text_format_source: {
          inline_string: "%START_TIME(%s.%6f)% %RESPONSE_CODE% %DURATION% %REQ(TASKID)%\n",
        },
      },
    },
  };
  const envoy = await startEnvoy({
    envoy: await findEnvoy(),
    concurrency: options.workers,
    bootstrap: bootstrap({
      tasks: [],
      routes: options.routes ?? [OK_ROUTE],
      accessLogs: [accessLog],
      filters: [
        wasmFilter("rate-limit", options.module ?? modulePath("rate-limit"), {
          rateLimit: options.rateLimit,
          ...options.configuration,
        }),
      ],
      clusters: [
        ...(options.clusters ?? []),
        ...(options.controllerPort === undefined ? [] : [httpCluster("controller", options.controllerPort)]),
      ],
      ...(options.node === undefined ? {} : { node: options.node }),
    }),
  });
  return {
    envoy,
    async decisions() {
      await settle(300);
      const text = await readFile(file, "utf8").catch(() => "");
      return text
        .trim()
        .split("\n")
        .filter(Boolean)
        .map((line) => {
          const [at, status, duration, taskid] = line.split(" ");
          return {
            at: Number(at),
            status: Number(status),
            duration: Number(duration),
            taskid: taskid as string,
          };
        });
    },
    async stop() {
      await envoy.stop();
      await folder.remove();
    },
  };
}

/**
 * Compares what was admitted with what one exact token bucket would have admitted of the same requests, at the times that
 * Envoy got them. `most` is the most that was admitted in any window of a second.
 */
export function compare(decisions: Decision[], requestsPerSecond: number, burst: number) {
  const sorted = decisions.toSorted((a, b) => a.at - b.at);
  const admitted: number[] = [];
  let ideal = 0;
  let level = burst;
  let last = sorted[0]?.at ?? 0;
  for (const { at, status } of sorted) {
    level = Math.min(burst, level + (at - last) * requestsPerSecond);
    last = at;
    if (level >= 1) {
      level--;
      ideal++;
    }
    if (status === 200) admitted.push(at);
  }
  let most = 0;
  for (let from = 0, to = 0; to < admitted.length; to++) {
    while ((admitted[to] as number) - (admitted[from] as number) >= 1) from++;
    most = Math.max(most, to - from + 1);
  }
  return { admitted: admitted.length, ideal, most };
}
