import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "./modules.ts";
import { withVersion } from "./version.ts";

/**
 * Compiles one AssemblyScript entry file into `outFile`, with its source map beside it.
 * Options come from asconfig.json, so that every module is built alike; a filter is told its version.
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
  const { version } = JSON.parse(await readFile(new URL("package.json", PROJECT_ROOT), "utf8"));
  await writeFile(outFile, withVersion(await readFile(outFile), version));
}
