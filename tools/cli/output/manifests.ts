import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { toYaml } from "../../lib/kubernetes/yaml.ts";

export const MANIFEST_FORMATS = ["yaml", "json", "name"] as const;
export type ManifestFormat = (typeof MANIFEST_FORMATS)[number];

/** Objects as kubectl prints several: a List in JSON, documents of YAML, or `kind.group/name` a line. */
export function printed(manifests: Manifest[], format: ManifestFormat): string {
  if (format === "json")
    return `${JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests }, null, 2)}\n`;
  return format === "yaml"
    ? manifests.map(toYaml).join("---\n")
    : manifests.map((each) => `${nameOf(each)}\n`).join("");
}

function nameOf({ apiVersion, kind, metadata }: Manifest): string {
  const [group, version] = apiVersion.split("/");
  return `${kind.toLowerCase()}${version === undefined ? "" : `.${group}`}/${metadata.name}`;
}
