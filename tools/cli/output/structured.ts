import { Option } from "commander";
import { toYaml } from "../../lib/kubernetes/yaml.ts";

/** Formats for programs. */
export type Structured = "json" | "yaml";

export function structuredOption(): Option {
  return new Option("-o, --output <format>", "output format").choices(["yaml", "json"]);
}

export function structured(value: object, format: Structured): string {
  return format === "json" ? `${JSON.stringify(value, null, 2)}\n` : toYaml(value);
}
