import { once } from "node:events";
import { copyFile, watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Worker } from "node:worker_threads";
import { bootstrap } from "../../lib/envoy/bootstrap.ts";
import { writeFilterConfig } from "../../lib/envoy/extension-config.ts";
import { findEnvoy } from "../../lib/envoy/find.ts";
import { startEnvoy } from "../../lib/envoy/process.ts";
import { scriptPath } from "../../lib/installation.ts";
import { temporaryFolder } from "../../lib/temporary-folder.ts";
import { Backtrace } from "../../lib/wasm/backtrace.ts";
import { type OwnModule, ownModulePath } from "../../lib/wasm/modules.ts";
import { readPlaces } from "../../lib/wasm/places.ts";
import { sourceIn } from "../own-module/compile.ts";
import { converterSurroundings } from "./converter.ts";
import { filterSurroundings } from "./filter.ts";

/** Editors write a file in several steps. */
const SETTLE_MS = 100;

const SURROUNDINGS = { converter: converterSurroundings, filter: filterSurroundings };

interface Served {
  own: OwnModule;
  envoy?: string | undefined;
  port: number;
  concurrency: number;
}

/**
 * Runs a converter or a filter of a folder in a local Envoy, and swaps it in place whenever a file of the
 * folder changes. Runs until the process is stopped.
 */
export async function devOwnModule(served: Served): Promise<void> {
  const builder = new Worker(scriptPath("tools/local/build/thread"));
  try {
    await serve(builder, served);
  } finally {
    await builder.terminate();
  }
}

async function serve(builder: Worker, { own, envoy: path, port, concurrency }: Served): Promise<void> {
  const command = await findEnvoy(path);
  await build(builder, own);
  const around = await SURROUNDINGS[own.kind](own.folder);
  const { path: temporary } = await temporaryFolder(join(tmpdir(), "modelgate-dev-"));
  const configFile = join(temporary, `${own.kind}.json`);
  let modules = 0;
  // Envoy gets the module under another name each time: the same configuration again would change nothing.
  const hand = async () => {
    const module = join(temporary, `${own.kind}-${++modules}.wasm`);
    await copyFile(ownModulePath(own), module);
    await writeFilterConfig(configFile, await around.configured(module));
  };
  await hand();
  let backtrace = backtraceOf(own);
  const envoy = await startEnvoy({
    envoy: command,
    concurrency,
    bootstrap: bootstrap({ port, ...around.bootstrap, filters: [around.filter(configFile)] }),
    onLog: (line) => tell(backtrace.line(line)),
  });
  for (const hint of around.hints(`http://127.0.0.1:${envoy.port}/`)) console.error(hint);
  console.error(`${own.folder} is watched; Ctrl-C stops it`);
  const swap = async () => {
    try {
      await build(builder, own);
      await hand();
      backtrace = backtraceOf(own);
      console.error("swapped");
    } catch (error) {
      console.error((error as Error).message);
    }
  };
  let swapped = Promise.resolve();
  let changed: NodeJS.Timeout | undefined;
  for await (const { filename } of watch(own.folder)) {
    if (!filename || !around.watched(filename)) continue;
    clearTimeout(changed);
    changed = setTimeout(() => {
      swapped = swapped.then(swap);
    }, SETTLE_MS);
  }
}

/**
 * Builds in a thread: the servers here answer meanwhile.
 * @throws Error with the compiler's diagnostics
 */
async function build(builder: Worker, own: OwnModule): Promise<void> {
  builder.postMessage(own);
  const [fault] = (await once(builder, "message")) as [string];
  if (fault !== "") throw new Error(fault);
}

function backtraceOf(own: OwnModule): Backtrace {
  return new Backtrace(readPlaces(ownModulePath(own), sourceIn(relative("", own.folder))));
}

function tell(line: string | undefined): void {
  if (line !== undefined) console.error(`envoy | ${line}`);
}
