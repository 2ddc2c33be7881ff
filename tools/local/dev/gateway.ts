import { tmpdir } from "node:os";
import { join } from "node:path";
import { keptBack } from "../../api/traffic.ts";
import type { ReplyMapper } from "../../cluster/istio/cors-replies.ts";
import { localReplies } from "../../cluster/istio/native-check.ts";
import { type FileLogOptions, fileAccessLog } from "../../lib/envoy/access-log.ts";
import { type BootstrapOptions, bootstrap, httpCluster, type TaskRoute } from "../../lib/envoy/bootstrap.ts";
import { DiscoveredBootstrap } from "../../lib/envoy/discovered-bootstrap.ts";
import { findEnvoy } from "../../lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../lib/envoy/process.ts";
import type { Protection } from "../../lib/envoy/protection.ts";
import { tracing } from "../../lib/envoy/tracing.ts";
import { temporaryFolder } from "../../lib/temporary-folder.ts";
import { Backtrace } from "../../lib/wasm/backtrace.ts";
import { modulePath } from "../../lib/wasm/modules.ts";
import { filterSource, readPlaces } from "../../lib/wasm/places.ts";
import { startModelServer } from "../../serving/model-server/server.ts";

export interface LocalGateway {
  envoy: RunningEnvoy;
  /** File that Envoy's access log goes to. */
  accessLog: string;
  /** Routes, filters and what Envoy answers by itself are as `served` says from now on. */
  update(served: Served): Promise<void>;
  stop(): Promise<void>;
}

/** What the gateway serves. */
export interface Served {
  /** A task without a port is served by the demo's model server. */
  tasks: (Omit<TaskRoute, "port"> & { port?: number })[];
  /** The HTTP filters in front of the router. */
  filters: object[];
  /** What Envoy's own answers say to pages of other origins. */
  cors?: ReplyMapper[];
  /** What Envoy's own answers to calls of OpenAI's API become. */
  openAi?: ReplyMapper[];
  /** Clusters beside those of the tasks. */
  clusters?: object[];
  /** Metadata of the listener, which the filter reads. */
  metadata?: object;
  /** What one client may take; default: DEFAULT_PROTECTION. */
  protection?: Protection;
  /** Routes to put before those of the tasks. */
  routes?: object[];
  /** Bytes of a request's body that a filter may hold; default: Envoy's 1 MiB. */
  bodyBufferBytes?: number;
  /** What is in a line of the access log. */
  log?: FileLogOptions;
}

interface LocalGatewayOptions extends Served {
  /** An OTLP/HTTP receiver that gets a span of each request. */
  traces?: URL | undefined;
  envoy?: string | undefined;
  port?: number | undefined;
  concurrency?: number | undefined;
}

/** Starts the demo's model server, and Envoy with a filter in front of it. Envoy's log goes to stderr. */
export async function startLocalGateway(options: LocalGatewayOptions): Promise<LocalGateway> {
  const command = await findEnvoy(options.envoy);
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-dev-"));
  const accessLog = join(folder.path, "access.log");
  const models = await startModelServer();
  const discovered = new DiscoveredBootstrap(folder.path);
  const { port = 0, traces } = options;
  const write = (served: Served) =>
    discovered.write(
      bootstrap({ ...traced(bootstrapOptions(served, models.port, accessLog), traces), port }),
    );
  const stopModels = async () => {
    models.stop();
    await folder.remove();
  };
  const backtrace = new Backtrace(readPlaces(modulePath("gateway"), filterSource));
  try {
    const envoy = await startEnvoy({
      envoy: command,
      concurrency: options.concurrency ?? 2,
      bootstrap: await write(options),
      onLog: (line) => {
        const told = backtrace.line(line);
        if (told !== undefined) console.error(`envoy | ${told}`);
      },
    });
    return {
      ...{ envoy, accessLog },
      async update(served) {
        await write(served);
      },
      async stop() {
        await envoy.stop();
        await stopModels();
      },
    };
  } catch (error) {
    await stopModels();
    throw error;
  }
}

function bootstrapOptions(served: Served, modelPort: number, accessLog: string): BootstrapOptions {
  const {
    tasks,
    filters,
    cors = [],
    openAi = [],
    clusters = [],
    routes = [],
    metadata,
    protection,
    bodyBufferBytes,
    log,
  } = served;
  return {
    tasks: tasks.map((task) => ({
      removedHeaders: keptBack([]),
      ...task,
      port: task.port ?? modelPort,
    })),
    ...(protection && { protection }),
    ...(bodyBufferBytes !== undefined && { bodyBufferBytes }),
    ...(metadata && { metadata }),
    accessLogs: [fileAccessLog(accessLog, log)],
    ...{ filters, clusters, routes },
    localReplies: localReplies(true, cors, openAi),
  };
}

/** Adds the spans of all requests. */
function traced(options: BootstrapOptions, to: URL | undefined): BootstrapOptions {
  if (to === undefined) return options;
  const receiver = httpCluster(TRACES, Number(to.port || 80), to.hostname);
  return {
    ...options,
    clusters: [...(options.clusters ?? []), receiver],
    tracing: tracing({ cluster: TRACES, authority: to.host, percent: 100 }),
  };
}

const TRACES = "traces";
