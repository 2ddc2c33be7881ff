import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Argument, Command } from "commander";
import { compileModule } from "../wasm/compile.ts";
import { MODULES, type ModuleName, modulePath, PROJECT_ROOT } from "../wasm/modules.ts";

export function buildCommand(): Command {
  return new Command("build")
    .description("compile the filters to WebAssembly, into build/")
    .addArgument(new Argument("[module...]", "the filters").choices(MODULES).default(MODULES, "all"))
    .action(async (names: ModuleName[]) => {
      for (const name of names) await build(name);
    });
}

/** Compiles one filter module and prints its size in bytes. */
export async function build(name: ModuleName): Promise<void> {
  const entry = fileURLToPath(new URL(`filters/${name}/module.ts`, PROJECT_ROOT));
  const out = modulePath(name);
  await compileModule(entry, out);
  console.error(`built ${name}.wasm, ${(await stat(out)).size} bytes`);
}
