import { access, readFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { compileCached } from "../../lib/wasm/compile.ts";
import { CONVERTER_ENTRY, CONVERTER_SOURCE, converterModule } from "../../lib/wasm/modules.ts";
import { dependencyPath, sdkFolder } from "../../lib/wasm/sdk.ts";

/** Where the compiler sees the SDK. */
const SDK = "node_modules/modelgate/";

/**
 * Compiles a converter's folder, wherever it lies, into `outFile`: the developer's `converter.ts` behind the
 * stage that calls it. Imports of `modelgate/...` come from the SDK.
 * @throws Error with the compiler's diagnostics when it does not compile
 */
export async function compileConverter(folder: string, outFile = converterModule(folder)): Promise<void> {
  const own = resolve(folder);
  await access(join(own, "converter.ts")).catch(() => {
    throw new Error(
      `${join(folder, "converter.ts")} is missing: modelgate new converter makes a folder that has one`,
    );
  });
  const sdk = sdkFolder(own);
  const diagnostics = await compileCached({
    ...{ entry: CONVERTER_ENTRY, key: own, outFile, sdk },
    read: (name) => readSource(own, sdk, name.replaceAll("\\", "/")),
  });
  if (diagnostics !== undefined) {
    const told = diagnostics.replaceAll(`${CONVERTER_SOURCE}/`, `${relative(process.cwd(), own) || "."}/`);
    throw new Error(`${join(folder, "converter.ts")} does not compile\n${told}`);
  }
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
