import { stat } from "node:fs/promises";
import { relative } from "node:path";
import { type OwnModule, ownModulePath } from "../../lib/wasm/modules.ts";
import { compileConverter } from "../converter/compile.ts";
import { compileFilter } from "../filter/compile.ts";

/** Compiles a developer's folder and prints the module's size in bytes. */
export async function buildOwn(own: OwnModule): Promise<void> {
  await (own.kind === "converter" ? compileConverter(own.folder) : compileFilter(own.folder));
  const out = ownModulePath(own);
  console.error(`built ${relative("", out)}, ${(await stat(out)).size} bytes`);
}
