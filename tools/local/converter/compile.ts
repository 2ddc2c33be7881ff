import { access, readFile, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { compileCached } from "../../lib/wasm/compile.ts";
import { type Diagnostic, diagnosticText } from "../../lib/wasm/diagnostics.ts";
import { checkSdkVersion, ownVersion, withSdkVersion } from "../../lib/wasm/made-with.ts";
import { CONVERTER_ENTRY, CONVERTER_SOURCE, converterModule } from "../../lib/wasm/modules.ts";
import { dependencyPath, sdkFolder } from "../../lib/wasm/sdk.ts";
import { limitInstructions, ownLimits } from "./limits.ts";

/** Where the compiler sees the SDK. */
const SDK = "node_modules/modelgate/";

/**
 * Compiles a converter's folder, wherever it lies, into `outFile`: the developer's `converter.ts` behind the
 * stage that calls it. Imports of `modelgate/...` come from the SDK. The module can't run for ever, nor take
 * all memory: `ownLimits`.
 * @param budget false only to measure what the budget of instructions costs
 * @throws Error that says file, line and column of what does not compile
 */
export async function compileConverter(
  folder: string,
  outFile = converterModule(folder),
  { budget = true } = {},
): Promise<void> {
  const own = resolve(folder);
  await access(join(own, "converter.ts")).catch(() => {
    throw new Error(
      `${join(folder, "converter.ts")} is missing: modelgate new converter makes a folder that has one`,
    );
  });
  const limits = await ownLimits(own);
  const sdk = sdkFolder(own);
  const { version } = JSON.parse(await readFile(join(sdk, "package.json"), "utf8"));
  checkSdkVersion(version, await ownVersion());
  const diagnostics = await compileCached({
    ...{ entry: CONVERTER_ENTRY, key: own, outFile, sdk },
    options: ["--maximumMemory", String(limits.maxMemoryMiB * PAGES_IN_MIB)],
    read: (name) => readSource(own, sdk, name.replaceAll("\\", "/")),
  });
  const shown = relative(process.cwd(), own) || ".";
  if (diagnostics)
    throw new Error(told(diagnostics, join(shown, "converter.ts"), sourceIn(shown)).join("\n"));
  if (budget) await limitInstructions(outFile, limits.maxInstructions, sourceIn(own));
  await writeFile(outFile, withSdkVersion(await readFile(outFile), version));
}

/** WebAssembly counts memory in pages of 64 KiB. */
const PAGES_IN_MIB = 16;

/**
 * The diagnostics in the author's own words: those of the generated module say that a function of
 * `converter.ts` is not what the module calls, and follow from others where there are others.
 */
function told(diagnostics: Diagnostic[], file: string, own: (seen: string) => string | undefined): string[] {
  const authors = diagnostics.filter(({ at }) => at === undefined || own(at.source) !== undefined);
  const texts = authors.map((each) => diagnosticText(each, (source) => own(source) ?? source));
  const missing = diagnostics.flatMap(({ message }) => MISSING.exec(message)?.[1] ?? []);
  if (missing.length > 0)
    return [
      ...texts,
      ...missing.map((name) => `${file}: exports no function \`${name}\`: ${SIGNATURES[name]}`),
    ];
  if (texts.length > 0) return texts;
  const [called] = diagnostics.flatMap(({ at }) => CALLED.exec(at?.place?.text ?? "")?.[1] ?? []);
  const others = diagnostics.map((each) => diagnosticText(each, (source) => source));
  return called === undefined
    ? others
    : [`${file}: \`${called}\` must be: ${SIGNATURES[called]}`, ...others.slice(0, 1)];
}

const MISSING = new RegExp(`^Module '${CONVERTER_SOURCE}/converter' has no exported member '(before|after)'`);
const CALLED = /^\s*return (before|after)\(/;
const SIGNATURES: Record<string, string> = {
  before: "export function before(request: Request): InferRequest | null",
  after: "export function after(response: ModelResponse): Uint8Array | null",
};

/**
 * How the author of a converter knows a source: by its path in the folder; none but those are the author's.
 */
export function sourceIn(folder: string): (seen: string) => string | undefined {
  return (seen) =>
    seen.startsWith(`${CONVERTER_SOURCE}/`) && seen !== CONVERTER_ENTRY
      ? join(folder, seen.slice(CONVERTER_SOURCE.length + 1))
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
  if (name.startsWith(`${CONVERTER_SOURCE}/`)) return join(own, name.slice(CONVERTER_SOURCE.length + 1));
  if (name.startsWith(SDK)) return join(sdk, "filters", name.slice(SDK.length));
  return dependencyPath(sdk, name);
}
