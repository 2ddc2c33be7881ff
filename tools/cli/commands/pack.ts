import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Argument, Command } from "commander";
import { PROJECT_ROOT } from "../../lib/installation.ts";
import { packImage, type Variant } from "../../lib/oci/image.ts";
import { writeLayout } from "../../lib/oci/layout.ts";
import { checkModule, ownVersion } from "../../lib/wasm/made-with.ts";
import { MODULES, type ModuleName } from "../../lib/wasm/modules.ts";
import { readModule } from "../../lib/wasm/read.ts";
import { type OwnModuleOptions, ownModuleOf, ownModuleOptions, variantOption } from "../options/image.ts";

export function packCommand(): Command {
  const command = new Command("pack")
    .description("Pack a built filter as an OCI image layout and print its digest")
    .addArgument(new Argument("[module]", "filter").choices(MODULES).default("gateway"))
    .addOption(variantOption())
    .option(
      "--output <folder>",
      "output folder (default: build/oci/<module>-<variant>; of an own module in its folder)",
    );
  for (const option of ownModuleOptions("folder of a built")) command.addOption(option);
  return command.action(async (module: ModuleName, options: PackOptions) => {
    const { variant, output } = options;
    const own = ownModuleOf(options);
    const bytes = await readModule(module, own);
    if (own) checkModule(bytes, await ownVersion(), own.folder);
    const image = await packImage(bytes, variant);
    const root = own ? pathToFileURL(`${resolve(own.folder)}/`) : PROJECT_ROOT;
    const name = own?.kind ?? module;
    const folder = output ?? fileURLToPath(new URL(`build/oci/${name}-${variant}`, root));
    await writeLayout(folder, image);
    console.error(`packed ${name} into ${folder}`);
    console.log(image.manifest.digest);
  });
}

interface PackOptions extends OwnModuleOptions {
  variant: Variant;
  output?: string;
}
