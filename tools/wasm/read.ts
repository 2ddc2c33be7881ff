import { readFile } from "node:fs/promises";
import { type ModuleName, modulePath } from "./modules.ts";

/** Bytes of a built module. @throws Error that says how to build it */
export async function readModule(name: ModuleName): Promise<Uint8Array> {
  return readFile(modulePath(name)).catch(() => {
    throw new Error(`${name}.wasm is not built; run: modelgate build ${name}`);
  });
}
