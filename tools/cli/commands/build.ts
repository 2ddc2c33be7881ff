import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Argument, Command } from "commander";
import { compileModule } from "../../lib/wasm/compile.ts";
import { MODULES, type ModuleName, modulePath, PROJECT_ROOT } from "../../lib/wasm/modules.ts";
import { buildConverter } from "../../local/converter/build.ts";

export function buildCommand(): Command {
  return new Command("build")
    .description("Compile the filters to WebAssembly, into build/")
    .addArgument(
      new Argument("[module...]", "filters to compile (default: all)")
        .choices(MODULES)
        .default(MODULES, "all"),
    )
    .option("--converter <folder>", "compile this converter instead, into <folder>/build/")
    .action(async (names: ModuleName[], { converter }: { converter?: string }) => {
      if (converter !== undefined) await buildConverter(converter);
      else for (const name of names) await build(name);
    });
}

/** Compiles one filter module and prints its size in bytes. */
export async function build(name: ModuleName): Promise<void> {
  const entry = fileURLToPath(new URL(`filters/${name}/module.ts`, PROJECT_ROOT));
  const out = modulePath(name);
  await compileModule(entry, out);
  console.error(`built ${name}.wasm, ${(await stat(out)).size} bytes`);
}
