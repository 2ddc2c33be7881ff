import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Argument, Command } from "commander";
import { PROJECT_ROOT } from "../../lib/installation.ts";
import { packImage, type Variant } from "../../lib/oci/image.ts";
import { writeLayout } from "../../lib/oci/layout.ts";
import { checkModule, ownVersion } from "../../lib/wasm/made-with.ts";
import { MODULES, type ModuleName } from "../../lib/wasm/modules.ts";
import { readModule } from "../../lib/wasm/read.ts";
import { converterOption, variantOption } from "../options/image.ts";

export function packCommand(): Command {
  return new Command("pack")
    .description("Pack a built filter as an OCI image layout and print its digest")
    .addArgument(new Argument("[module]", "filter").choices(MODULES).default("gateway"))
    .addOption(variantOption())
    .addOption(converterOption())
    .option(
      "--output <folder>",
      "output folder (default: build/oci/<module>-<variant>; of a converter in its folder)",
    )
    .action(async (module: ModuleName, { variant, output, converter }: PackOptions) => {
      const bytes = await readModule(module, converter);
      if (converter !== undefined) checkModule(bytes, await ownVersion(), converter);
      const image = await packImage(bytes, variant);
      const root = converter === undefined ? PROJECT_ROOT : pathToFileURL(`${resolve(converter)}/`);
      const name = converter === undefined ? module : "converter";
      const folder = output ?? fileURLToPath(new URL(`build/oci/${name}-${variant}`, root));
      await writeLayout(folder, image);
      console.error(`packed ${name} into ${folder}`);
      console.log(image.manifest.digest);
    });
}

interface PackOptions {
  variant: Variant;
  output?: string;
  converter?: string;
}
