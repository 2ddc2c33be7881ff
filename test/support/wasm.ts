import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { compileModule } from "../../tools/lib/wasm/compile.ts";

const FOLDER = fileURLToPath(new URL("build/test", PROJECT_ROOT));

/** Compiles `test/wasm/<name>.ts`. @returns the module's file */
export async function builtTestModule(name: string): Promise<string> {
  const entry = fileURLToPath(new URL(`test/wasm/${name}.ts`, PROJECT_ROOT));
  const own = join(FOLDER, `${name}-${process.pid}`);
  const file = `${name}.wasm`;
  await compileModule(entry, join(own, file));
  // Another worker may compile or read the same module meanwhile: it sees one that is whole.
  for (const each of [`${file}.map`, file]) await rename(join(own, each), join(FOLDER, each));
  await rm(own, { recursive: true });
  return join(FOLDER, file);
}

/** Compiles `test/wasm/<name>.ts` and instantiates it; the host calls that pure code never makes throw. */
export async function testModule<Exports extends object>(
  name: string,
): Promise<Exports & { memory: WebAssembly.Memory }> {
  const module = new WebAssembly.Module(await readFile(await builtTestModule(name)));
  const imports: Record<string, Record<string, () => never>> = {};
  for (const { module: from, name: call } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][call] = () => {
      throw new Error(`pure code called the host: ${call}`);
    };
  }
  const { exports } = new WebAssembly.Instance(module, imports);
  (exports._initialize as () => void)();
  return exports as unknown as Exports & { memory: WebAssembly.Memory };
}
