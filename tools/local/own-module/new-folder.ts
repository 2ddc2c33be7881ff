import { access, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../lib/installation.ts";
import type { OwnModule } from "../../lib/wasm/modules.ts";
import { SDK_IS_OWN, SDK_PACKAGE, sdkFolder } from "../../lib/wasm/sdk.ts";

const TEMPLATES = { converter: "filters/converter/template/", filter: "filters/stage/template/" };

/**
 * Makes the folder of a new converter or filter: source, tests, README. @returns its files
 * @throws Error when the folder is there already
 */
export async function newFolder({ kind, folder }: OwnModule, name: string): Promise<string[]> {
  const there = await access(folder).then(
    () => true,
    () => false,
  );
  if (there) throw new Error(`${folder} exists already: choose another name or --dir`);
  const template = join(sdkFolder("."), TEMPLATES[kind]);
  await mkdir(folder, { recursive: true });
  const { sdk, assembly } = whereFrom(folder);
  const { version } = JSON.parse(await readFile(new URL("package.json", PROJECT_ROOT), "utf8"));
  // A folder of a checkout compiles with what is there.
  const files = (await readdir(template)).filter((file) => file !== "package.json" || !SDK_IS_OWN);
  for (const file of files) {
    const text = await readFile(join(template, file), "utf8");
    const own = Object.entries({ NAME: name, ASSEMBLY: assembly, SDK: sdk, VERSION: version }).reduce(
      (made, [placeholder, value]) => made.replaceAll(placeholder, value),
      text,
    );
    await writeFile(join(folder, nameOf(file)), own);
  }
  return files.map(nameOf);
}

/**
 * What the editor finds the SDK and AssemblyScript's types by: in a checkout its folder, else the folder's
 * own packages.
 */
function whereFrom(folder: string): { sdk: string; assembly: string } {
  if (!SDK_IS_OWN)
    return { sdk: `./node_modules/${SDK_PACKAGE}/filters`, assembly: "assemblyscript/std/assembly.json" };
  const checkout = relative(resolve(folder), fileURLToPath(PROJECT_ROOT)).replace(/\/$/, "");
  return {
    sdk: `${checkout}/filters`,
    assembly: `${checkout}/node_modules/assemblyscript/std/assembly.json`,
  };
}

/** A file of this name would be taken for the project's own in the template. */
function nameOf(file: string): string {
  return file === "gitignore" ? ".gitignore" : file;
}
