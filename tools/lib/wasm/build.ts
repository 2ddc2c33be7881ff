import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT, scriptPath } from "../installation.ts";
import { inThreads } from "../threads.ts";
import type { CompileJob } from "./compile-thread.ts";
import { type ModuleName, modulePath } from "./modules.ts";

/** Compiles filter modules, several at a time, and prints their sizes in bytes. */
export async function buildModules(names: readonly ModuleName[]): Promise<void> {
  const jobs = names.map((name) => ({
    ...{ name, outFile: modulePath(name) },
    entryFile: fileURLToPath(new URL(`filters/${name}/module.ts`, PROJECT_ROOT)),
  }));
  const script = scriptPath("tools/lib/wasm/compile-thread");
  await inThreads<CompileJob & { name: ModuleName }>(script, jobs, async ({ name, outFile }) =>
    console.error(`built ${name}.wasm, ${(await stat(outFile)).size} bytes`),
  );
}
