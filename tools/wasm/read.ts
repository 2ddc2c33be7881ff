import { readFile } from "node:fs/promises";
import { converterModule } from "../converter/compile.ts";
import { type ModuleName, modulePath } from "./modules.ts";

/** Bytes of a built module, or of the converter in a folder. @throws Error that says how to build it */
export async function readModule(name: ModuleName, converter?: string): Promise<Uint8Array> {
  const own = converter !== undefined;
  return readFile(own ? converterModule(converter) : modulePath(name)).catch(() => {
    const [what, how] = own
      ? [`the converter in ${converter}`, `--converter ${converter}`]
      : [`${name}.wasm`, name];
    throw new Error(`${what} is not built; run: modelgate build ${how}`);
  });
}
