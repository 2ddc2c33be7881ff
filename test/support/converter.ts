import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { converterChain, localConverter } from "../../tools/cluster/istio/converter-chain.ts";
import { bootstrap } from "../../tools/lib/envoy/bootstrap.ts";
import { writeFilterConfig } from "../../tools/lib/envoy/extension-config.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { fileSource } from "../../tools/lib/envoy/resource-file.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { compileConverter } from "../../tools/local/converter/compile.ts";
import { startModelServer } from "../../tools/serving/model-server/server.ts";

export interface ConverterGateway {
  envoy: RunningEnvoy;
  /** Gives a task another module, while requests run. */
  swap(taskid: string, module: string): Promise<void>;
  post(
    taskid: string,
    body: string,
    headers?: Record<string, string>,
  ): Promise<{ status: number; text: string }>;
  stop(): Promise<void>;
}

/** The real Envoy with a converter for each task, from files, in front of the demo's model server, or another. */
export async function startConverters(
  modules: Record<string, string>,
  concurrency = 2,
  modelPort?: number,
): Promise<ConverterGateway> {
  const folder = await mkdtemp(join(tmpdir(), "modelgate-converters-"));
  const file = (taskid: string) => join(folder, `${taskid}.json`);
  const swap = (taskid: string, module: string) =>
    writeFilterConfig(file(taskid), localConverter(taskid, module));
  const taskids = Object.keys(modules);
  for (const taskid of taskids) await swap(taskid, modules[taskid] as string);
  const models = await startModelServer();
  const envoy = await startEnvoy({
    envoy: await findEnvoy(),
    concurrency,
    bootstrap: bootstrap({
      tasks: [...taskids, "plain"].map((taskid) => ({ taskid, port: modelPort ?? models.port })),
      filters: [converterChain(taskids, (taskid) => fileSource(file(taskid)))],
    }),
  });
  return {
    envoy,
    swap,
    async post(taskid, body, headers = {}) {
      const response = await fetch(`http://127.0.0.1:${envoy.port}/`, {
        method: "POST",
        headers: { taskid, ...headers },
        body,
      });
      return { status: response.status, text: await response.text() };
    },
    async stop() {
      await envoy.stop();
      models.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Compiles `test/wasm/converters/<name>`. @returns the module's file */
export async function probeModule(name: string): Promise<string> {
  const folder = fileURLToPath(new URL(`test/wasm/converters/${name}`, PROJECT_ROOT));
  const module = fileURLToPath(new URL(`build/test/converter-${name}.wasm`, PROJECT_ROOT));
  await mkdir(dirname(module), { recursive: true });
  await compileConverter(folder, module);
  return module;
}
