import { Argument, Command } from "commander";
import { buildModules } from "../../lib/wasm/build.ts";
import { MODULES, type ModuleName } from "../../lib/wasm/modules.ts";
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
      else await buildModules(names);
    });
}
