import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { compileModule } from "../../tools/lib/wasm/compile.ts";

/** Compiles `test/wasm/<name>.ts` and instantiates it; the host calls that pure code never makes throw. */
export async function testModule<Exports extends object>(
  name: string,
): Promise<Exports & { memory: WebAssembly.Memory }> {
  const out = fileURLToPath(new URL(`build/test/${name}.wasm`, PROJECT_ROOT));
  await compileModule(fileURLToPath(new URL(`test/wasm/${name}.ts`, PROJECT_ROOT)), out);
  const module = new WebAssembly.Module(await readFile(out));
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
