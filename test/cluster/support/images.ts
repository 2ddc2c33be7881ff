import { packImage } from "../../../tools/lib/oci/image.ts";
import { parseReference } from "../../../tools/lib/oci/reference.ts";
import { pushImage } from "../../../tools/lib/oci/registry.ts";
import type { ModuleName } from "../../../tools/lib/wasm/modules.ts";
import { readModule } from "../../../tools/lib/wasm/read.ts";
import { REGISTRY } from "./registry.ts";

/** Pushes a built module to the lane's registry. @returns its reference by digest */
export async function pushModule(name: ModuleName): Promise<string> {
  return pushImage(
    await packImage(await readModule(name), "compat"),
    parseReference(`oci://${REGISTRY}/modelgate/${name}:v1`),
  );
}
