import { homedir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * Folder of the project: a checkout, or the package as npm installs it. Both hold `tools/`, `build/`,
 * `proto/` and `manifests/`.
 */
export const PROJECT_ROOT = new URL("../../", import.meta.url);

/**
 * Path of a script of this project, which is TypeScript in a checkout and JavaScript in the package.
 * @param name from the project's folder, without its ending
 */
export function scriptPath(name: string): string {
  return fileURLToPath(new URL(`${name}${extname(import.meta.url)}`, PROJECT_ROOT));
}

/**
 * Where a file lies that is fetched or made once: in the checkout's `.cache`; for the package, whose own
 * folder may be read-only, in the user's cache (XDG Base Directory Specification).
 */
export function cachePath(name: string): string {
  return fileURLToPath(new URL(name, cacheFolder()));
}

function cacheFolder(): URL {
  if (!PROJECT_ROOT.pathname.includes("/node_modules/")) return new URL(".cache/", PROJECT_ROOT);
  const base = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return new URL(`${pathToFileURL(join(base, "modelgate"))}/`);
}
