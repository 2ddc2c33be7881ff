import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { compileModule } from "../wasm/compile.ts";
import { MODULES, type ModuleName, modulePath, PROJECT_ROOT } from "../wasm/modules.ts";
import { parseModuleName } from "./arguments.ts";

export function buildCommand(): Command {
  return new Command("build")
    .description("compile the filters to WebAssembly, into build/")
    .argument("[module...]", `which modules to build (${MODULES.join(", ")}; default: all)`)
    .action(async (names: string[]) => {
      const modules = names.length > 0 ? names.map(parseModuleName) : MODULES;
      for (const name of modules) await build(name);
    });
}

/** Compiles one filter module and prints its size in bytes. */
export async function build(name: ModuleName): Promise<void> {
  const entry = fileURLToPath(new URL(`filters/${name}/module.ts`, PROJECT_ROOT));
  const out = modulePath(name);
  await compileModule(entry, out);
  console.error(`built ${name}.wasm, ${(await stat(out)).size} bytes`);
}
