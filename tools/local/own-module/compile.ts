import { access, readFile, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { compileCached } from "../../lib/wasm/compile.ts";
import { type Diagnostic, diagnosticText } from "../../lib/wasm/diagnostics.ts";
import { checkSdkVersion, ownVersion, withSdkVersion } from "../../lib/wasm/made-with.ts";
import { CONVERTER_ENTRY, OWN_SOURCE, type OwnModule } from "../../lib/wasm/modules.ts";
import { dependencyPath, sdkFolder } from "../../lib/wasm/sdk.ts";
import { limitInstructions, ownLimits } from "./limits.ts";

/** Where the compiler sees the SDK. */
const SDK = "node_modules/modelgate/";

interface OwnCompilation {
  /** As the compiler names it. */
  entry: string;
  /** The author's file that must be there. */
  file: string;
  outFile: string;
  /** False only to measure what the budget of instructions costs. */
  budget?: boolean;
  /** What the diagnostics say to the author. @param shown the folder as the author knows it */
  told?: (diagnostics: Diagnostic[], shown: string) => string[];
}

/**
 * Compiles a developer's folder, wherever it lies. Imports of `modelgate/...` come from the SDK. The module
 * can't run for ever, nor take all memory: `ownLimits`.
 * @throws Error that says file, line and column of what does not compile
 */
export async function compileOwn({ kind, folder }: OwnModule, how: OwnCompilation): Promise<void> {
  const { entry, file, outFile, budget = true, told = inOwnWords } = how;
  const own = resolve(folder);
  await access(join(own, file)).catch(() => {
    throw new Error(`${join(folder, file)} is missing: modelgate new ${kind} makes a folder that has one`);
  });
  const limits = await ownLimits(own);
  const sdk = sdkFolder(own);
  const { version } = JSON.parse(await readFile(join(sdk, "package.json"), "utf8"));
  checkSdkVersion(version, await ownVersion());
  const diagnostics = await compileCached({
    ...{ entry, outFile, sdk },
    options: ["--maximumMemory", String(limits.maxMemoryMiB * PAGES_IN_MIB)],
    read: (name) => readSource(own, sdk, name.replaceAll("\\", "/")),
  });
  const shown = relative(process.cwd(), own) || ".";
  if (diagnostics) throw new Error(told(diagnostics, shown).join("\n"));
  if (budget) await limitInstructions(outFile, limits.maxInstructions, sourceIn(own));
  await writeFile(outFile, withSdkVersion(await readFile(outFile), version));
}

/** WebAssembly counts memory in pages of 64 KiB. */
const PAGES_IN_MIB = 16;

/** The diagnostics, with the author's files as the author knows them. */
function inOwnWords(diagnostics: Diagnostic[], shown: string): string[] {
  const own = sourceIn(shown);
  return diagnostics.map((each) => diagnosticText(each, (source) => own(source) ?? source));
}

/**
 * How the author of a folder knows a source: by its path in the folder; none but those are the author's.
 */
export function sourceIn(folder: string): (seen: string) => string | undefined {
  return (seen) =>
    seen.startsWith(`${OWN_SOURCE}/`) && seen !== CONVERTER_ENTRY
      ? join(folder, seen.slice(OWN_SOURCE.length + 1))
      : undefined;
}

/** @returns null for a file that is not there: the compiler looks elsewhere then */
async function readSource(own: string, sdk: string, name: string): Promise<string | null> {
  const text = await readFile(fileOf(own, sdk, name), "utf8").catch(() => null);
  // The SDK is a library here, and so is its handler of failed checks.
  return basename(name) === "asconfig.json" && text
    ? text.replace("abort=filters/", "abort=~lib/modelgate/")
    : text;
}

function fileOf(own: string, sdk: string, name: string): string {
  if (name === CONVERTER_ENTRY) return join(sdk, "filters/converter/entry.ts");
  if (name.startsWith(`${OWN_SOURCE}/`)) return join(own, name.slice(OWN_SOURCE.length + 1));
  if (name.startsWith(SDK)) return join(sdk, "filters", name.slice(SDK.length));
  return dependencyPath(sdk, name);
}
