import { once } from "node:events";
import { copyFile, watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Worker } from "node:worker_threads";
import { converterChain, localConverter } from "../../cluster/istio/converter-chain.ts";
import { bootstrap } from "../../lib/envoy/bootstrap.ts";
import { writeFilterConfig } from "../../lib/envoy/extension-config.ts";
import { findEnvoy } from "../../lib/envoy/find.ts";
import { startEnvoy } from "../../lib/envoy/process.ts";
import { fileSource } from "../../lib/envoy/resource-file.ts";
import { scriptPath } from "../../lib/installation.ts";
import { temporaryFolder } from "../../lib/temporary-folder.ts";
import { Backtrace } from "../../lib/wasm/backtrace.ts";
import { ownModulePath } from "../../lib/wasm/modules.ts";
import { readPlaces } from "../../lib/wasm/places.ts";
import { startModelServer } from "../../serving/model-server/server.ts";
import { sourceIn } from "../own-module/compile.ts";

const TASKID = "dev";
/** Editors write a file in several steps. */
const SETTLE_MS = 100;

interface DevConverterOptions {
  /** Folder of the converter. */
  folder: string;
  envoy?: string | undefined;
  port: number;
  concurrency: number;
}

/**
 * Runs a converter in a local Envoy in front of the demo's model server, and swaps it in place whenever a
 * file of its folder changes. Runs until the process is stopped.
 */
export async function devConverter(options: DevConverterOptions): Promise<void> {
  const builder = new Worker(scriptPath("tools/local/build/thread"));
  try {
    await serve(builder, options);
  } finally {
    await builder.terminate();
  }
}

async function serve(
  builder: Worker,
  { folder, envoy: path, port, concurrency }: DevConverterOptions,
): Promise<void> {
  const command = await findEnvoy(path);
  await build(builder, folder);
  const own = await temporaryFolder(join(tmpdir(), "modelgate-dev-"));
  await hand(folder, own.path);
  const models = await startModelServer();
  let backtrace = backtraceOf(folder);
  const envoy = await startEnvoy({
    envoy: command,
    concurrency,
    bootstrap: bootstrap({
      port,
      tasks: [{ taskid: TASKID, port: models.port }],
      filters: [converterChain([TASKID], () => fileSource(configFile(own.path)))],
    }),
    onLog: (line) => tell(backtrace.line(line)),
  });
  console.error(
    `try: curl -H 'taskid: ${TASKID}' -d @${join(folder, "example.json")} http://127.0.0.1:${envoy.port}/`,
  );
  console.error(`The models linear and echo answer; ${folder} is watched; Ctrl-C stops it`);
  const swap = async () => {
    try {
      await build(builder, folder);
      await hand(folder, own.path);
      backtrace = backtraceOf(folder);
      console.error("swapped");
    } catch (error) {
      console.error((error as Error).message);
    }
  };
  let swapped = Promise.resolve();
  let changed: NodeJS.Timeout | undefined;
  for await (const { filename } of watch(folder)) {
    if (!filename?.endsWith(".ts")) continue;
    clearTimeout(changed);
    changed = setTimeout(() => {
      swapped = swapped.then(swap);
    }, SETTLE_MS);
  }
}

/**
 * Builds in a thread: the models here answer meanwhile.
 * @throws Error with the compiler's diagnostics
 */
async function build(builder: Worker, folder: string): Promise<void> {
  builder.postMessage({ kind: "converter", folder });
  const [fault] = (await once(builder, "message")) as [string];
  if (fault !== "") throw new Error(fault);
}

function backtraceOf(folder: string): Backtrace {
  return new Backtrace(
    readPlaces(ownModulePath({ kind: "converter", folder }), sourceIn(relative("", folder))),
  );
}

function tell(line: string | undefined): void {
  if (line !== undefined) console.error(`envoy | ${line}`);
}

let modules = 0;

/**
 * Gives Envoy the module as it is now, under another name each time: the same configuration again would
 * change nothing.
 */
async function hand(folder: string, own: string): Promise<void> {
  const module = join(own, `converter-${++modules}.wasm`);
  await copyFile(ownModulePath({ kind: "converter", folder }), module);
  await writeFilterConfig(configFile(own), localConverter(TASKID, module));
}

function configFile(own: string): string {
  return join(own, "converter.json");
}
