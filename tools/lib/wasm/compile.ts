import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { cachePath, PROJECT_ROOT } from "../installation.ts";
import { CompileCache, type Source } from "./compile-cache.ts";
import { withVersion } from "./version.ts";

const ROOT = fileURLToPath(PROJECT_ROOT);

/**
 * Compiles one AssemblyScript entry file into `outFile`, with its source map beside it.
 * Options come from asconfig.json, so that every module is built alike; a filter is told its version.
 * @throws Error with the compiler's diagnostics (file, line, message) when the source does not compile.
 */
export async function compileModule(entryFile: string, outFile: string): Promise<void> {
  const read = (name: string) => readFile(resolve(ROOT, name), "utf8").catch(() => null);
  const entry = relative(ROOT, entryFile);
  const diagnostics = await compileCached({ entry, key: entry, outFile, read });
  if (diagnostics !== undefined) throw new Error(`${entry} does not compile\n${diagnostics}`);
  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  await writeFile(outFile, withVersion(await readFile(outFile), version));
}

interface Compilation {
  /** As the compiler names it. */
  entry: string;
  /** Tells it from others whose entry has the same name. */
  key: string;
  outFile: string;
  read: Source;
  /** Folder of the SDK. Default: this checkout. */
  sdk?: string;
}

/**
 * Runs the compiler, or copies from `.cache/wasm` what it made before of the same sources.
 * @returns its diagnostics when the source does not compile
 */
export async function compileCached({
  entry,
  key,
  outFile,
  read,
  sdk = ROOT,
}: Compilation): Promise<string | undefined> {
  await mkdir(dirname(outFile), { recursive: true });
  const { devDependencies, dependencies } = JSON.parse(await readFile(join(sdk, "package.json"), "utf8"));
  const how = `by assemblyscript ${{ ...devDependencies, ...dependencies }.assemblyscript}`;
  const made = `${basename(outFile)} of ${key} ${how}`;
  const cache = new CompileCache(cachePath("wasm"), read);
  if (await cache.restore(made, outFile)) return undefined;
  // The compiler takes longer to load than most commands take to run.
  const { default: asc } = await import("assemblyscript/asc");
  const options = ["--baseDir", sdk, "--config", "asconfig.json"];
  const { error, stderr } = await asc.main([entry, ...options, "--outFile", relative(sdk, outFile)], {
    readFile: (name) => cache.read(name),
  });
  if (error) return stderr.toString();
  await cache.keep(made, outFile);
  return undefined;
}
