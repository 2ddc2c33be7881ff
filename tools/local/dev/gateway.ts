import { tmpdir } from "node:os";
import { join } from "node:path";
import { keptBack } from "../../api/traffic.ts";
import type { ReplyMapper } from "../../cluster/istio/cors-replies.ts";
import { localReplies } from "../../cluster/istio/native-check.ts";
import { type FileLogOptions, fileAccessLog } from "../../lib/envoy/access-log.ts";
import { bootstrap, type TaskRoute } from "../../lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../lib/envoy/process.ts";
import type { Protection } from "../../lib/envoy/protection.ts";
import { temporaryFolder } from "../../lib/temporary-folder.ts";
import { Backtrace } from "../../lib/wasm/backtrace.ts";
import { modulePath } from "../../lib/wasm/modules.ts";
import { filterSource, readPlaces } from "../../lib/wasm/places.ts";
import { startModelServer } from "../../serving/model-server/server.ts";

export interface LocalGateway {
  envoy: RunningEnvoy;
  /** File that Envoy's access log goes to. */
  accessLog: string;
  stop(): Promise<void>;
}

interface LocalGatewayOptions {
  /** A task without a port is served by the demo's model server. */
  tasks: (Omit<TaskRoute, "port"> & { port?: number })[];
  /** The HTTP filters in front of the router. */
  filters: object[];
  /** What Envoy's own answers say to pages of other origins. */
  cors?: ReplyMapper[];
  /** Clusters beside those of the tasks. */
  clusters?: object[];
  /** What one client may take; default: DEFAULT_PROTECTION. */
  protection?: Protection;
  /** What is in a line of the access log. */
  log?: FileLogOptions;
  envoy?: string | undefined;
  port?: number;
  concurrency?: number;
}

/** Starts the demo's model server, and Envoy with a filter in front of it. Envoy's log goes to stderr. */
export async function startLocalGateway(options: LocalGatewayOptions): Promise<LocalGateway> {
  const command = await findEnvoy(options.envoy);
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-dev-"));
  const accessLog = join(folder.path, "access.log");
  const models = await startModelServer();
  const stopModels = async () => {
    models.stop();
    await folder.remove();
  };
  const backtrace = new Backtrace(readPlaces(modulePath("gateway"), filterSource));
  try {
    const envoy = await startEnvoy({
      envoy: command,
      concurrency: options.concurrency ?? 2,
      bootstrap: bootstrap({
        port: options.port ?? 0,
        tasks: options.tasks.map((task) => ({
          removedHeaders: keptBack([]),
          ...task,
          port: task.port ?? models.port,
        })),
        ...(options.protection && { protection: options.protection }),
        accessLogs: [fileAccessLog(accessLog, options.log)],
        filters: options.filters,
        localReplies: localReplies(true, options.cors ?? []),
        clusters: options.clusters ?? [],
      }),
      onLog: (line) => {
        const told = backtrace.line(line);
        if (told !== undefined) console.error(`envoy | ${told}`);
      },
    });
    const stop = async () => {
      await envoy.stop();
      await stopModels();
    };
    return { envoy, accessLog, stop };
  } catch (error) {
    await stopModels();
    throw error;
  }
}
