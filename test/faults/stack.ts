import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileAccessLog } from "../../tools/lib/envoy/access-log.ts";
import { bootstrap, httpCluster, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { compileModule } from "../../tools/lib/wasm/compile.ts";
import { ISSUER, jwk, rsa } from "../support/auth.ts";
import { CollectorProcess } from "../support/collector/process.ts";
import { freePort } from "../support/free-port.ts";
import { pluginConfig } from "../support/gateway.ts";
import { type LimitsController, startLimitsController } from "../support/limits-controller.ts";
import { type SteppedClock, withSteppedClock } from "./clock.ts";
import { type FaultyModel, startFaultyModel } from "./model.ts";

/** Longest time that a request may take, in seconds. */
export const TIMEOUT = 1;

export interface Stack {
  model: FaultyModel;
  controller: LimitsController;
  envoy: RunningEnvoy;
  /** Starts the Envoy anew, on the port that it had. */
  startEnvoy(): Promise<void>;
  /** The collector of the access log, where the options ask for one. */
  collector: CollectorProcess | undefined;
  /** Starts the collector anew, on the port that it had. */
  startCollector(): Promise<void>;
  /** Where the options ask for one. */
  clock: SteppedClock | undefined;
  stop(): Promise<void>;
}

export interface StackOptions {
  /** Where the access log goes. Default: a file. */
  accessLog?: string;
  /** How the access log comes to a collector. Default: there is none. */
  collector?: "follows the file" | "gets batches";
  /** Can the wall clock of Envoy be stepped? */
  clock?: boolean;
}

/** Requests a second that the task may have: more than come. */
const LIMIT = 200;
const INTERVAL = ["--interval", "0.05s"];

/** The real Envoy with the filters, a controller and a model server that do as they are told. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-faults-"));
  const module = fileURLToPath(new URL("build/test/gateway-trap.wasm", PROJECT_ROOT));
  await compileModule(fileURLToPath(new URL("test/wasm/gateway-trap.ts", PROJECT_ROOT)), module);
  const model = await startFaultyModel();
  const controller = await startLimitsController(({ generation }) => ({
    apiVersion: "limits.modelgate.dev/v1",
    generation,
    tasks: {},
    tenants: {},
  }));
  const found = await findEnvoy();
  const clock =
    options.clock && "program" in found ? await withSteppedClock(found.program, folder.path) : undefined;
  const source = clock ? { program: clock.program } : found;
  const accessLog = options.accessLog ?? join(folder.path, "access.log");
  const collectorPort = await freePort();
  const batches = options.collector === "gets batches";
  const startCollector = () =>
    CollectorProcess.start([
      ...(batches ? [] : [accessLog]),
      ...["--store", join(folder.path, "store"), "--listen", `127.0.0.1:${collectorPort}`, ...INTERVAL],
    ]);
  const route = {
    match: { prefix: "/" },
    route: { cluster: "task-666", timeout: `${TIMEOUT}s` },
  };
  const start = (port: number) =>
    startEnvoy({
      envoy: source,
      concurrency: 1,
      bootstrap: bootstrap({
        port,
        routes: [route],
        tasks: [{ taskid: "666", port: model.port }],
        accessLogs: batches ? [] : [fileAccessLog(accessLog)],
        filters: [
          wasmFilter("gateway", module, {
            trap: {},
            ...pluginConfig,
            tenantAuth: tenantAuth(),
            accessLog: batches ? { collector: { cluster: "collector" } } : {},
            rateLimit: {
              ...pluginConfig.rateLimit,
              tasks: [{ taskid: "666", requestsPerSecond: LIMIT }],
              controller: { gateway: "test/gateway", cluster: "controller", pod: "gateway-1" },
            },
          }),
        ],
        clusters: [httpCluster("controller", controller.port), httpCluster("collector", collectorPort)],
      }),
    });
  const stack: Stack = {
    model,
    controller,
    clock,
    collector: options.collector && (await startCollector()),
    async startCollector() {
      stack.collector = await startCollector();
    },
    envoy: await start(0),
    async startEnvoy() {
      stack.envoy = await start(stack.envoy.port);
    },
    async stop() {
      await stack.envoy.stop();
      await stack.collector?.end("SIGTERM");
      await model.kill();
      await controller.stop();
      await folder.remove();
    },
  };
  return stack;
}

/** As in other tests, and tokens of an issuer. */
function tenantAuth(): object {
  const { tenants } = pluginConfig.tenantAuth;
  return {
    issuers: [{ issuer: ISSUER, audiences: ["models"], jwks: { keys: [jwk(rsa.publicKey, "rsa")] } }],
    tenants: tenants.map((tenant) => ({
      ...tenant,
      credentials: [...tenant.credentials, { id: "token", token: { issuer: ISSUER } }],
    })),
  };
}
