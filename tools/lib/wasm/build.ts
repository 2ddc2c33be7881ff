import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT, scriptPath } from "../installation.ts";
import { inThreads } from "../threads.ts";
import type { CompileJob } from "./compile-thread.ts";
import { type ModuleName, modulePath } from "./modules.ts";
import { SDK_IS_OWN } from "./sdk.ts";

/**
 * Compiles filter modules, several at a time, and prints their sizes in bytes.
 * @throws Error in the package, which holds them built
 */
export async function buildModules(names: readonly ModuleName[]): Promise<void> {
  if (!SDK_IS_OWN)
    throw new Error("the filters come built with modelgate; a converter is built by --converter <folder>");
  const jobs = names.map((name) => ({ name, ...compileJob(name) }));
  const script = scriptPath("tools/lib/wasm/compile-thread");
  await inThreads<CompileJob & { name: ModuleName }>(script, jobs, async ({ name, outFile }) =>
    console.error(`built ${name}.wasm, ${(await stat(outFile)).size} bytes`),
  );
}

/** A filter module to compile, from its folder into `build/`. */
export function compileJob(name: ModuleName): CompileJob {
  const entryFile = fileURLToPath(new URL(`filters/${name}/module.ts`, PROJECT_ROOT));
  return { entryFile, outFile: modulePath(name) };
}
