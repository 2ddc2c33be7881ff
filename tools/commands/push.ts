import { Command, Option } from "commander";
import { packImage, type Variant } from "../oci/image.ts";
import { parseReference } from "../oci/reference.ts";
import { pushImage } from "../oci/registry.ts";
import { MODULES, type ModuleName } from "../wasm/modules.ts";
import { readModule } from "../wasm/read.ts";
import { converterOption, variantOption } from "./pack.ts";

interface PushCommandOptions {
  module: ModuleName;
  variant: Variant;
  plainHttp?: true;
  converter?: string;
}

export function pushCommand(): Command {
  return new Command("push")
    .description("push a built filter to an OCI registry and print its reference by digest")
    .argument("<reference>", "oci://host:port/name:tag")
    .addOption(new Option("--module <module>", "the filter").choices(MODULES).default("gateway"))
    .addOption(converterOption())
    .addOption(variantOption())
    .option("--plain-http", "speak HTTP to a registry that is not on this machine")
    .action(async (text: string, { module, variant, plainHttp, converter }: PushCommandOptions) => {
      const reference = parseReference(text);
      const image = await packImage(await readModule(module, converter), variant);
      console.log(
        await pushImage(image, reference, {
          plainHttp: plainHttp ?? false,
          onProgress: (line) => console.error(line),
        }),
      );
    });
}
