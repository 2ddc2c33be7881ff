import { OWN_SOURCE, type OwnModule, ownModulePath } from "../../lib/wasm/modules.ts";
import { compileOwn } from "../own-module/compile.ts";

/**
 * The author's entry file: it exports the callbacks that the stages need, and says which stages there are.
 */
const ENTRY = "module.ts";

/**
 * Compiles a filter's folder into `outFile`, as `compileOwn`.
 * @throws Error that says file, line and column of what does not compile
 */
export async function compileFilter(folder: string, outFile?: string): Promise<void> {
  const own: OwnModule = { kind: "filter", folder };
  await compileOwn(own, {
    entry: `${OWN_SOURCE}/${ENTRY}`,
    file: ENTRY,
    outFile: outFile ?? ownModulePath(own),
  });
}
