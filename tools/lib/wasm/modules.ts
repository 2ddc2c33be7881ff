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

/**
 * Where the compiler sees the folder of a task's own converter, and the entry file between that and the SDK.
 */
export const CONVERTER_SOURCE = "converter-source";
export const CONVERTER_ENTRY = `${CONVERTER_SOURCE}/modelgate-entry.ts`;

/**
 * Where `modelgate build --converter` leaves the module of a folder; its source map lies beside it as
 * `<file>.map`.
 */
export function converterModule(folder: string): string {
  return join(resolve(folder), "build/converter.wasm");
}

/** Where a source lies that the compiler saw: in the developer's folder, or in this repository. */
export function sourcePath(seen: string): string {
  if (seen === CONVERTER_ENTRY) return "filters/converter/entry.ts";
  return seen.replace(/^~lib\/modelgate\//, "filters/").replace(`${CONVERTER_SOURCE}/`, "");
}
