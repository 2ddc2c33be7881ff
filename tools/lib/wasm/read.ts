import { readFile } from "node:fs/promises";
import { converterModule, type ModuleName, modulePath, sourcePath } from "./modules.ts";

/** Bytes of a built module, or of the converter in a folder. @throws Error that says how to build it */
export async function readModule(name: ModuleName, converter?: string): Promise<Uint8Array> {
  return readBuilt("", name, converter);
}

/**
 * The sources that a built module was compiled from, by their paths in the repository or in the converter's
 * folder: what its source map tells, but for the compiler's own library. @throws Error that says how to build
 * it
 */
export async function readSources(name: ModuleName, converter?: string): Promise<Map<string, string>> {
  const { sources, sourcesContent } = JSON.parse((await readBuilt(".map", name, converter)).toString());
  return new Map(
    (sources as string[])
      .map((source, i): [string, string] => [sourcePath(source), sourcesContent[i]])
      .filter(([path]) => !path.startsWith("~lib/"))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

async function readBuilt(suffix: string, name: ModuleName, converter: string | undefined): Promise<Buffer> {
  const own = converter !== undefined;
  return readFile(`${own ? converterModule(converter) : modulePath(name)}${suffix}`).catch(() => {
    const [what, how] = own
      ? [`the converter in ${converter}`, `--converter ${converter}`]
      : [`${name}.wasm`, name];
    throw new Error(`${what} is not built; run: modelgate build ${how}`);
  });
}
