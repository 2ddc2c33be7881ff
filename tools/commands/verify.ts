import { Command } from "commander";
import { publicKey } from "../oci/keys.ts";
import { parseReference } from "../oci/reference.ts";
import { verifyImage } from "../oci/signature.ts";

export function verifyCommand(): Command {
  return new Command("verify")
    .description("check that a filter was signed with a key")
    .argument("<image>", "oci://host/name@sha256:...")
    .requiredOption("--key <file>", "public key in PEM")
    .option("--plain-http", "speak HTTP to a registry that is not on this machine")
    .action(async (image: string, { key, plainHttp }: { key: string; plainHttp?: true }) => {
      await verifyImage(parseReference(image), await publicKey(key), { plainHttp: plainHttp ?? false });
      console.log(`${image}: signed with ${key}`);
    });
}
