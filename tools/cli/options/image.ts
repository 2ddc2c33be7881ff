import { Option } from "commander";
import { VARIANTS } from "../../lib/oci/image.ts";

export function converterOption(): Option {
  return new Option("--converter <folder>", "folder of a built converter, instead of a filter");
}

export function variantOption(): Option {
  return new Option("--variant <variant>", "image format").choices(VARIANTS).default("compat");
}
