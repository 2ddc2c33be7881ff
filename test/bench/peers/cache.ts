import { access } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../../tools/wasm/modules.ts";

/** Where peers are built, once. */
export const CACHE = fileURLToPath(new URL(".cache/peers", PROJECT_ROOT));

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
