import { fileURLToPath } from "node:url";

/** The filter modules this project ships: one per stage, and `gateway`, which holds all four. */
export const MODULES = ["gateway", "tenant-auth", "rate-limit", "protocol-conversion", "access-log"] as const;
export type ModuleName = (typeof MODULES)[number];

/** Folder of the project, which holds `filters/` and `build/`. */
export const PROJECT_ROOT = new URL("../../../", import.meta.url);

/** Where `modelgate build` leaves a module; its source map lies beside it as `<file>.map`. */
export function modulePath(name: ModuleName): string {
  return fileURLToPath(new URL(`build/${name}.wasm`, PROJECT_ROOT));
}
