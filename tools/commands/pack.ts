import { fileURLToPath } from "node:url";
import { Argument, Command, Option } from "commander";
import { packImage, VARIANTS, type Variant } from "../oci/image.ts";
import { writeLayout } from "../oci/layout.ts";
import { MODULES, type ModuleName, PROJECT_ROOT } from "../wasm/modules.ts";
import { readModule } from "../wasm/read.ts";

export function packCommand(): Command {
  return new Command("pack")
    .description("pack a built filter as an OCI image layout and print its digest")
    .addArgument(new Argument("[module]", "the filter").choices(MODULES).default("gateway"))
    .addOption(variantOption())
    .option("--output <folder>", "where the layout goes (default: build/oci/<module>-<variant>)")
    .action(async (module: ModuleName, { variant, output }: { variant: Variant; output?: string }) => {
      const image = await packImage(await readModule(module), variant);
      const folder = output ?? fileURLToPath(new URL(`build/oci/${module}-${variant}`, PROJECT_ROOT));
      await writeLayout(folder, image);
      console.error(`packed ${module} into ${folder}`);
      console.log(image.manifest.digest);
    });
}

export function variantOption(): Option {
  return new Option("--variant <variant>", "form of the image").choices(VARIANTS).default("compat");
}
