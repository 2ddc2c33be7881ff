import { Option } from "commander";
import { parseMirrors } from "../../lib/oci/mirrors.ts";
import type { RegistryOptions } from "../../lib/oci/registry-client.ts";

export interface RegistryCommandOptions {
  plainHttp?: true;
  mirror?: string[];
}

export function plainHttpOption(): Option {
  return new Option("--plain-http", "use HTTP for a registry that is not on this machine");
}

export function mirrorOption(): Option {
  return new Option(
    "--mirror <registry=mirror...>",
    "host[:port][/prefix] to try before the registry itself (default: $MODELGATE_MIRRORS, comma-separated)",
  );
}

/** @throws Error that shows the form of a mirror */
export function registryOptions({ plainHttp, mirror }: RegistryCommandOptions): RegistryOptions {
  return { plainHttp: plainHttp ?? false, ...(mirror && { mirrors: parseMirrors(mirror.join(",")) }) };
}
