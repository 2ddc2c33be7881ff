import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../installation.ts";

/**
 * The npm package of the filters' SDK: `filters/` and `asconfig.json`, and as dependencies what compiles
 * them.
 */
export const SDK_PACKAGE = "@modelgate/filter-sdk";
const OWN = fileURLToPath(PROJECT_ROOT);

/** Whether the SDK is this checkout's own. */
export const SDK_IS_OWN = existsSync(join(OWN, "filters/tsconfig.json"));

/**
 * Folder of the SDK: the checkout, or the package as it is found from a developer's folder or beside this
 * command.
 * @throws Error that says how to install it
 */
export function sdkFolder(from: string): string {
  if (SDK_IS_OWN) return OWN;
  for (const start of [join(resolve(from), "package.json"), import.meta.url]) {
    const found = packageFolder(start, SDK_PACKAGE);
    if (found) return found;
  }
  throw new Error(`the filters' SDK is not installed: run npm install --save-dev ${SDK_PACKAGE}`);
}

/**
 * Where a source of a package lies that the SDK is compiled with: npm may have put it beside the SDK or
 * above.
 */
export function dependencyPath(sdk: string, name: string): string {
  const [, own, rest = ""] = /^node_modules\/((?:@[^/]+\/)?[^/]+)(\/.*)?$/.exec(name) ?? [];
  const folder = own === undefined ? undefined : packageFolder(join(sdk, "package.json"), own);
  return folder === undefined ? join(sdk, name) : join(folder, rest);
}

function packageFolder(from: string, name: string): string | undefined {
  const paths = createRequire(from).resolve.paths(name) ?? [];
  return paths.map((path) => join(path, name)).find((folder) => existsSync(join(folder, "package.json")));
}
