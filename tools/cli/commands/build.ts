import { Argument, Command } from "commander";
import { buildModules } from "../../lib/wasm/build.ts";
import { MODULES, type ModuleName } from "../../lib/wasm/modules.ts";
import { buildOwn } from "../../local/build/own.ts";
import { type OwnModuleOptions, ownModuleOf, ownModuleOptions } from "../options/image.ts";

export function buildCommand(): Command {
  const command = new Command("build")
    .description("Compile the filters to WebAssembly, into build/")
    .addArgument(
      new Argument("[module...]", "filters to compile (default: all)")
        .choices(MODULES)
        .default(MODULES, "all"),
    );
  for (const option of ownModuleOptions("instead, compile into <folder>/build/ this"))
    command.addOption(option);
  return command.action(async (names: ModuleName[], options: OwnModuleOptions) => {
    const own = ownModuleOf(options);
    if (own) await buildOwn(own);
    else await buildModules(names);
  });
}
