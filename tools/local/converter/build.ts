import { stat } from "node:fs/promises";
import { relative } from "node:path";
import { converterModule } from "../../lib/wasm/modules.ts";
import { compileConverter } from "./compile.ts";

/** Compiles a converter's folder and prints the module's size in bytes. */
export async function buildConverter(folder: string): Promise<void> {
  await compileConverter(folder);
  const out = converterModule(folder);
  console.error(`built ${relative("", out)}, ${(await stat(out)).size} bytes`);
}
