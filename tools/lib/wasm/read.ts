import { readFile } from "node:fs/promises";
import { type ModuleName, modulePath, type OwnModule, ownModulePath, sourcePath } from "./modules.ts";

/** Bytes of a built module, or of a developer's own. @throws Error that says how to build it */
export async function readModule(name: ModuleName, own?: OwnModule): Promise<Uint8Array> {
  return readBuilt("", name, own);
}

/**
 * The sources that a built module was compiled from, by their paths in the repository or in the developer's
 * folder: what its source map tells, but for the compiler's own library. @throws Error that says how to build
 * it
 */
export async function readSources(name: ModuleName, own?: OwnModule): Promise<Map<string, string>> {
  const { sources, sourcesContent } = JSON.parse((await readBuilt(".map", name, own)).toString());
  return new Map(
    (sources as string[])
      .map((source, i): [string, string] => [sourcePath(source), sourcesContent[i]])
      .filter(([path]) => !path.startsWith("~lib/"))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

async function readBuilt(suffix: string, name: ModuleName, own: OwnModule | undefined): Promise<Buffer> {
  return readFile(`${own ? ownModulePath(own) : modulePath(name)}${suffix}`).catch(() => {
    const [what, how] = own
      ? [`the ${own.kind} in ${own.folder}`, `--${own.kind} ${own.folder}`]
      : [`${name}.wasm`, name];
    throw new Error(`${what} is not built; run: modelgate build ${how}`);
  });
}
