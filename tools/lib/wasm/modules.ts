import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../installation.ts";

/** The filter modules this project ships: `gateway`, which holds all stages, and most stages alone. */
export const MODULES = ["gateway", "tenant-auth", "rate-limit", "protocol-conversion", "access-log"] as const;
export type ModuleName = (typeof MODULES)[number];

/** Where `modelgate build` leaves a module; its source map lies beside it as `<file>.map`. */
export function modulePath(name: ModuleName): string {
  return fileURLToPath(new URL(`build/${name}.wasm`, PROJECT_ROOT));
}

/** A developer's own module: what `modelgate new` makes a folder of. */
export interface OwnModule {
  /** A task's own converter, or a filter of its own stages. */
  kind: "converter" | "filter";
  folder: string;
}

/**
 * Where the compiler sees the folder of an own module, and the entry file between a converter and the SDK.
 */
export const OWN_SOURCE = "own-source";
export const CONVERTER_ENTRY = `${OWN_SOURCE}/modelgate-entry.ts`;

/** Where `modelgate build` leaves an own module; its source map lies beside it as `<file>.map`. */
export function ownModulePath({ kind, folder }: OwnModule): string {
  return join(resolve(folder), `build/${kind}.wasm`);
}

/** Where a source lies that the compiler saw: in the developer's folder, or in this repository. */
export function sourcePath(seen: string): string {
  if (seen === CONVERTER_ENTRY) return "filters/converter/entry.ts";
  return seen.replace(/^~lib\/modelgate\//, "filters/").replace(`${OWN_SOURCE}/`, "");
}
