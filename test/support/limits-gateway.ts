import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bootstrap, httpCluster, wasmFilter } from "../../tools/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/envoy/process.ts";
import { temporaryFolder } from "../../tools/temporary-folder.ts";
import { modulePath } from "../../tools/wasm/modules.ts";

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
      await sleep(300);
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

/** The most and the fewest admitted in any window of a second, and the rate over all, `from` to `to` (seconds). */
export function windows(decisions: Decision[], from: number, to: number) {
  const times = decisions
    .filter(({ at, status }) => status === 200 && at >= from && at < to)
    .map(({ at }) => at)
    .toSorted((a, b) => a - b);
  if (times.length === 0) return { most: 0, fewest: 0, rate: 0 };
  let most = 0;
  let fewest = Number.POSITIVE_INFINITY;
  const upTo = (limit: number) => times.findLastIndex((at) => at < limit) + 1;
  for (let start = from; start + 1 <= to; start += 0.02) {
    const count = upTo(start + 1) - upTo(start);
    most = Math.max(most, count);
    fewest = Math.min(fewest, count);
  }
  return { most, fewest, rate: times.length / (to - from) };
}
