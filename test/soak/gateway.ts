import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileAccessLog } from "../../tools/lib/envoy/access-log.ts";
import { bootstrap, WASM_TYPE, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { discoveredFilter, writeFilterConfig } from "../../tools/lib/envoy/extension-config.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { authConfig } from "../support/auth.ts";

const FILTER = "modelgate.gateway";

export interface SoakGateway {
  envoy: RunningEnvoy;
  /** Gives the filter another plug-in configuration, which decides the same. */
  reconfigure(): Promise<void>;
  /** Gives the filter the other of two builds. */
  swap(): Promise<void>;
  stop(): Promise<void>;
}

/** The real Envoy with two workers and gateway.wasm, which it takes from a file that changes, as from Istio (ECDS). */
export async function startSoakGateway(modelPort: number): Promise<SoakGateway> {
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-soak-"));
  const file = join(folder.path, "gateway.json");
  const modules = ["one.wasm", "other.wasm"].map((name) => join(folder.path, name)) as [string, string];
  const module = await readFile(modulePath("gateway"));
  await writeFile(modules[0], module);
  await writeFile(modules[1], Buffer.concat([module, customSection("soak")]));
  let build = 0;
  let change = 0;
  const write = () =>
    writeFilterConfig(file, {
      ...wasmFilter("gateway", modules[build % 2] as string, pluginConfig(change)),
      name: FILTER,
    });
  await write();
  const envoy = await startEnvoy({
    envoy: await findEnvoy(),
    concurrency: 2,
    bootstrap: bootstrap({
      tasks: ["666", "search-limited"].map((taskid) => ({ taskid, port: modelPort })),
      accessLogs: [fileAccessLog("/dev/null")],
      filters: [discoveredFilter(FILTER, file, WASM_TYPE)],
    }),
  });
  return {
    envoy,
    async reconfigure() {
      change++;
      await write();
    },
    async swap() {
      build++;
      await write();
    },
    async stop() {
      await envoy.stop();
      await folder.remove();
    },
  };
}

function pluginConfig(change: number): object {
  const limit = 20 + (change % 2);
  return {
    tenantAuth: authConfig,
    rateLimit: {
      tasks: [
        { taskid: "666", requestsPerSecond: 100_000 },
        { taskid: "search-limited", requestsPerSecond: limit, burst: limit },
      ],
      tenants: [],
    },
    protocolConversion: { tasks: [{ taskid: "666" }, { taskid: "search-limited" }] },
    accessLog: {},
  };
}

/** A custom section, which changes a module's bytes and nothing else (WebAssembly 1.0, 5.5.3). */
function customSection(name: string): Buffer {
  return Buffer.from([0, name.length + 1, name.length, ...Buffer.from(name)]);
}
