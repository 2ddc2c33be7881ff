import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { cachePath, PROJECT_ROOT } from "../installation.ts";
import { CompileCache } from "./compile-cache.ts";
import { withVersion } from "./version.ts";

/**
 * Compiles one AssemblyScript entry file into `outFile`, with its source map beside it.
 * Options come from asconfig.json, so that every module is built alike; a filter is told its version.
 * What was compiled before from the same sources is copied from `.cache/wasm`.
 * @throws Error with the compiler's diagnostics (file, line, message) when the source does not compile.
 */
export async function compileModule(entryFile: string, outFile: string): Promise<void> {
  const root = fileURLToPath(PROJECT_ROOT);
  await mkdir(dirname(outFile), { recursive: true });
  const entry = relative(root, entryFile);
  const { devDependencies, version } = JSON.parse(
    await readFile(new URL("package.json", PROJECT_ROOT), "utf8"),
  );
  const key = `${basename(outFile)} of ${entry} by assemblyscript ${devDependencies.assemblyscript}`;
  const cache = new CompileCache(cachePath("wasm"), root);
  if (!(await cache.restore(key, outFile))) {
    await compile(entry, outFile, root, cache);
    await cache.keep(key, outFile);
  }
  await writeFile(outFile, withVersion(await readFile(outFile), version));
}

async function compile(entry: string, outFile: string, root: string, cache: CompileCache): Promise<void> {
  // The compiler takes longer to load than most commands take to run.
  const { default: asc } = await import("assemblyscript/asc");
  const { error, stderr } = await asc.main(
    [entry, "--baseDir", root, "--config", "asconfig.json", "--outFile", relative(root, outFile)],
    { readFile: (name) => cache.read(name) },
  );
  if (error) throw new Error(`${entry} does not compile\n${stderr.toString()}`);
}
