import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileAccessLog } from "../../tools/envoy/access-log.ts";
import { bootstrap, httpCluster, wasmFilter } from "../../tools/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/envoy/process.ts";
import { temporaryFolder } from "../../tools/temporary-folder.ts";
import { compileModule } from "../../tools/wasm/compile.ts";
import { PROJECT_ROOT } from "../../tools/wasm/modules.ts";
import { pluginConfig } from "../support/gateway.ts";
import { type LimitsController, startLimitsController } from "../support/limits-controller.ts";
import { type FaultyModel, startFaultyModel } from "./model.ts";

/** Longest time that a request may take, in seconds. */
export const TIMEOUT = 1;

export interface Stack {
  model: FaultyModel;
  controller: LimitsController;
  envoy: RunningEnvoy;
  /** Starts the Envoy anew, on the port that it had. */
  startEnvoy(): Promise<void>;
  stop(): Promise<void>;
}

export interface StackOptions {
  /** Where the access log goes. Default: a file. */
  accessLog?: string;
}

/** The real Envoy with the filters, a controller and a model server that do as they are told. */
export async function startStack({ accessLog }: StackOptions = {}): Promise<Stack> {
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
  const source = await findEnvoy();
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
        accessLogs: [fileAccessLog(accessLog ?? join(folder.path, "access.log"))],
        filters: [
          wasmFilter("gateway", module, {
            trap: {},
            ...pluginConfig,
            rateLimit: {
              ...pluginConfig.rateLimit,
              controller: { gateway: "test/gateway", cluster: "controller", pod: "gateway-1" },
            },
          }),
        ],
        clusters: [httpCluster("controller", controller.port)],
      }),
    });
  const stack: Stack = {
    model,
    controller,
    envoy: await start(0),
    async startEnvoy() {
      stack.envoy = await start(stack.envoy.port);
    },
    async stop() {
      await stack.envoy.stop();
      await model.kill();
      await controller.stop();
      await folder.remove();
    },
  };
  return stack;
}
