import { watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildConverter } from "../commands/build.ts";
import { converterModule } from "../converter/compile.ts";
import { bootstrap } from "../envoy/bootstrap.ts";
import { converterChain, localConverter } from "../envoy/converter-filter.ts";
import { fileSource, writeFilterConfig } from "../envoy/extension-config.ts";
import { findEnvoy } from "../envoy/find.ts";
import { startEnvoy } from "../envoy/process.ts";
import { startModelServer } from "../model-server/server.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { symbolizer } from "../wasm/symbolize.ts";

const TASKID = "dev";
/** Editors write a file in several steps. */
const SETTLE_MS = 100;

export interface DevConverterOptions {
  /** Folder of the converter. */
  folder: string;
  envoy?: string | undefined;
  port: number;
  concurrency: number;
}

/**
 * Runs a converter in a local Envoy in front of the demo's model server, and swaps it in place whenever a file of its
 * folder changes. Runs until the process is stopped.
 */
export async function devConverter({
  folder,
  envoy: path,
  port,
  concurrency,
}: DevConverterOptions): Promise<void> {
  const command = await findEnvoy(path);
  await buildConverter(folder);
  const module = converterModule(folder);
  const own = await temporaryFolder(join(tmpdir(), "modelgate-dev-"));
  const file = join(own.path, "converter.json");
  await writeFilterConfig(file, localConverter(TASKID, module));
  const models = await startModelServer();
  const symbolize = await symbolizer(module);
  const envoy = await startEnvoy({
    envoy: command,
    concurrency,
    bootstrap: bootstrap({
      port,
      tasks: [{ taskid: TASKID, port: models.port }],
      filters: [converterChain([TASKID], () => fileSource(file))],
    }),
    onLog: (line) => console.error(`envoy | ${symbolize(line)}`),
  });
  console.error(
    `try: curl -H 'taskid: ${TASKID}' -d @${join(folder, "example.json")} http://127.0.0.1:${envoy.port}/`,
  );
  console.error(`The models linear and echo answer; ${folder} is watched; Ctrl-C stops it`);
  let changed: NodeJS.Timeout | undefined;
  for await (const { filename } of watch(folder)) {
    if (!filename?.endsWith(".ts")) continue;
    clearTimeout(changed);
    changed = setTimeout(() => void swap(folder, file), SETTLE_MS);
  }
}

async function swap(folder: string, file: string): Promise<void> {
  try {
    await buildConverter(folder);
    await writeFilterConfig(file, localConverter(TASKID, converterModule(folder)));
    console.error("swapped");
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
  }
}
