import { mkdir } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "./modules.ts";

/**
 * Compiles one AssemblyScript entry file into `outFile`, with its source map beside it.
 * Options come from asconfig.json, so that every module is built alike.
 * @throws Error with the compiler's diagnostics (file, line, message) when the source does not compile.
 */
export async function compileModule(entryFile: string, outFile: string): Promise<void> {
  // The compiler takes longer to load than most commands take to run.
  const { default: asc } = await import("assemblyscript/asc");
  const root = fileURLToPath(PROJECT_ROOT);
  await mkdir(dirname(outFile), { recursive: true });
  const { error, stderr } = await asc.main([
    relative(root, entryFile),
    "--baseDir",
    root,
    "--config",
    "asconfig.json",
    "--outFile",
    relative(root, outFile),
  ]);
  if (error) throw new Error(`${entryFile} does not compile\n${stderr.toString()}`);
}
