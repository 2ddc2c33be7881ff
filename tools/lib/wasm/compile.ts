import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { cachePath, PROJECT_ROOT } from "../installation.ts";
import { CompileCache, type Source } from "./compile-cache.ts";
import { type Diagnostic, diagnosticOf, diagnosticText, withoutFollowOns } from "./diagnostics.ts";
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
  const diagnostics = await compileCached({ entry, outFile, read });
  if (diagnostics) {
    const told = diagnostics.map((each) => diagnosticText(each, (source) => source));
    throw new Error(`${entry} does not compile\n${told.join("\n")}`);
  }
  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  await writeFile(outFile, withVersion(await readFile(outFile), version));
}

/** `DiagnosticCategory.Error` of the compiler. */
const ERROR = 3;

interface Compilation {
  /** As the compiler names it. */
  entry: string;
  outFile: string;
  read: Source;
  /** Folder of the SDK. Default: this checkout. */
  sdk?: string;
  /** Options of the compiler beside those of asconfig.json. */
  options?: string[];
}

/**
 * Runs the compiler, or copies from `.cache/wasm` what it made before of the same sources.
 * @returns its diagnostics when the source does not compile
 */
export async function compileCached({
  entry,
  outFile,
  read,
  sdk = ROOT,
  options = [],
}: Compilation): Promise<Diagnostic[] | undefined> {
  await mkdir(dirname(outFile), { recursive: true });
  const { devDependencies, dependencies } = JSON.parse(await readFile(join(sdk, "package.json"), "utf8"));
  const how = `by assemblyscript ${{ ...devDependencies, ...dependencies }.assemblyscript}`;
  const made = [basename(outFile), "of", entry, how, ...options].join(" ");
  const cache = new CompileCache(cachePath("wasm"), read);
  if (await cache.restore(made, outFile)) return undefined;
  // The compiler takes longer to load than most commands take to run.
  const { default: asc } = await import("assemblyscript/asc");
  const output = ["--baseDir", sdk, "--config", "asconfig.json", "--outFile", relative(sdk, outFile)];
  const diagnostics: Diagnostic[] = [];
  const texts = new Map<string, string>();
  const { error } = await asc.main([entry, ...output, ...options], {
    readFile: async (name) => {
      const text = await cache.read(name);
      if (text !== null) texts.set(name.replaceAll("\\", "/"), text);
      return text;
    },
    reportDiagnostic: (message) => {
      if (message.category === ERROR) diagnostics.push(diagnosticOf(message, texts));
    },
  });
  if (error && diagnostics.length === 0) throw error;
  if (error) return withoutFollowOns(diagnostics);
  await cache.keep(made, outFile);
  return undefined;
}
