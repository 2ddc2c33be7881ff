import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { toYaml } from "../../lib/kubernetes/yaml.ts";

/** A List, as kubectl prints several objects. */
export function json(manifests: Manifest[]): string {
  return `${JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests }, null, 2)}\n`;
}

export function yaml(manifests: Manifest[]): string {
  return manifests.map(toYaml).join("---\n");
}
