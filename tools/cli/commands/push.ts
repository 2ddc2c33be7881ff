import { Command, Option } from "commander";
import { packImage, type Variant } from "../../lib/oci/image.ts";
import { parseReference } from "../../lib/oci/reference.ts";
import { attach } from "../../lib/oci/referrers.ts";
import { pushImage } from "../../lib/oci/registry.ts";
import { moduleBill, SBOM_NAME } from "../../lib/oci/sbom.ts";
import { checkModule, ownVersion } from "../../lib/wasm/made-with.ts";
import { MODULES, type ModuleName } from "../../lib/wasm/modules.ts";
import { readModule, readSources } from "../../lib/wasm/read.ts";
import { type OwnModuleOptions, ownModuleOf, ownModuleOptions, variantOption } from "../options/image.ts";
import { plainHttpOption, type RegistryCommandOptions, registryOptions } from "../options/registry.ts";

interface PushCommandOptions extends RegistryCommandOptions, OwnModuleOptions {
  module: ModuleName;
  variant: Variant;
  sbom?: true;
}

export function pushCommand(): Command {
  const command = new Command("push")
    .description("Push a built filter to an OCI registry and print its reference by digest")
    .argument("<reference>", "oci://host:port/name:tag")
    .addOption(new Option("--module <module>", "filter").choices(MODULES).default("gateway"))
    .addOption(variantOption())
    .option(
      "--sbom",
      "attach an SBOM (CycloneDX) of the filter's sources and the npm packages it is built with",
    )
    .addOption(plainHttpOption());
  for (const option of ownModuleOptions("folder of a built")) command.addOption(option);
  return command.action(async (text: string, options: PushCommandOptions) => {
    const reference = parseReference(text);
    const { module, variant } = options;
    const own = ownModuleOf(options);
    const bytes = await readModule(module, own);
    if (own) checkModule(bytes, await ownVersion(), own.folder);
    const registry = registryOptions(options);
    const pushed = await pushImage(await packImage(bytes, variant), reference, {
      ...registry,
      onProgress: (line) => console.error(line),
    });
    if (options.sbom) {
      const name = own?.kind ?? module;
      const document = await moduleBill(name, bytes, await readSources(module, own));
      console.error(`SBOM ${await attach(parseReference(pushed), document, SBOM_NAME, registry)}`);
    }
    console.log(pushed);
  });
}
