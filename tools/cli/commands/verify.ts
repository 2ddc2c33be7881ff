import { Command } from "commander";
import { publicKey } from "../../lib/oci/keys.ts";
import { parseReference } from "../../lib/oci/reference.ts";
import { verifyImage } from "../../lib/oci/signature.ts";
import {
  mirrorOption,
  plainHttpOption,
  type RegistryCommandOptions,
  registryOptions,
} from "../options/registry.ts";

export function verifyCommand(): Command {
  return new Command("verify")
    .description("Verify the signature of a filter")
    .argument("<image>", "oci://host/name@sha256:...")
    .requiredOption("--key <file>", "public key (PEM)")
    .addOption(plainHttpOption())
    .addOption(mirrorOption())
    .action(async (image: string, { key, ...options }: { key: string } & RegistryCommandOptions) => {
      await verifyImage(parseReference(image), await publicKey(key), registryOptions(options));
      console.log(`${image}: signed with ${key}`);
    });
}
