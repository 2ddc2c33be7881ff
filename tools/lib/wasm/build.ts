import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../installation.ts";
import { compileModule } from "./compile.ts";
import { type ModuleName, modulePath } from "./modules.ts";

/** Compiles one filter module and prints its size in bytes. */
export async function buildModule(name: ModuleName): Promise<void> {
  const entry = fileURLToPath(new URL(`filters/${name}/module.ts`, PROJECT_ROOT));
  const out = modulePath(name);
  await compileModule(entry, out);
  console.error(`built ${name}.wasm, ${(await stat(out)).size} bytes`);
}
