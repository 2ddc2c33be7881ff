import { Option } from "commander";
import { VARIANTS } from "../../lib/oci/image.ts";
import type { OwnModule } from "../../lib/wasm/modules.ts";

/** What names a developer's own module. */
export interface OwnModuleOptions {
  converter?: string;
  filter?: string;
}

/** Options for a developer's own module. @param what of each kind they mean, such as "folder of a built" */
export function ownModuleOptions(what: string): Option[] {
  return [
    new Option("--converter <folder>", `${what} converter`).conflicts("filter"),
    new Option("--filter <folder>", `${what} filter of your own`),
  ];
}

/** What the options name. @returns undefined for neither */
export function ownModuleOf({ converter, filter }: OwnModuleOptions): OwnModule | undefined {
  if (converter !== undefined) return { kind: "converter", folder: converter };
  return filter === undefined ? undefined : { kind: "filter", folder: filter };
}

export function variantOption(): Option {
  return new Option("--variant <variant>", "image format").choices(VARIANTS).default("compat");
}
