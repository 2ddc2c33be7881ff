import { Command } from "commander";
import { generateKeys, privateKey } from "../../lib/oci/keys.ts";
import { parseReference } from "../../lib/oci/reference.ts";
import { signImage } from "../../lib/oci/signature.ts";
import {
  mirrorOption,
  plainHttpOption,
  type RegistryCommandOptions,
  registryOptions,
} from "../options/registry.ts";

interface SignOptions extends RegistryCommandOptions {
  key?: string;
  generateKey?: string;
}

export function signCommand(): Command {
  return new Command("sign")
    .description("Sign a pushed filter as cosign does (ECDSA P-256), and push the signature")
    .argument("[image]", "oci://host/name@sha256:...")
    .option("--key <file>", "private key (PEM); its password is read from $MODELGATE_KEY_PASSWORD")
    .option("--generate-key <prefix>", "first create a key pair: <prefix>.key and <prefix>.pub")
    .addOption(plainHttpOption())
    .addOption(mirrorOption())
    .action(async (image: string | undefined, options: SignOptions) => {
      const prefix = options.generateKey;
      if (prefix !== undefined) {
        await generateKeys(prefix);
        console.error(`wrote ${prefix}.key and ${prefix}.pub`);
      }
      const file = options.key ?? (prefix === undefined ? undefined : `${prefix}.key`);
      if (image === undefined) {
        if (prefix === undefined) throw new Error("name an image, or --generate-key");
        return;
      }
      if (file === undefined) throw new Error("name the private key with --key");
      const where = parseReference(image);
      console.log(await signImage(where, await privateKey(file), registryOptions(options)));
    });
}
