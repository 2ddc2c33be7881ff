import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";

/**
 * The objects of a kustomization that lists resources only, in their order; an entry may be a folder with
 * another one.
 */
export async function readKustomization(folder: string): Promise<Manifest[]> {
  const { resources } = parse(await readFile(join(folder, "kustomization.yaml"), "utf8")) as {
    resources: string[];
  };
  const objects: Manifest[] = [];
  for (const name of resources) {
    const path = join(folder, name);
    if ((await stat(path)).isDirectory()) objects.push(...(await readKustomization(path)));
    else
      for (const document of parseAllDocuments(await readFile(path, "utf8"))) objects.push(document.toJS());
  }
  return objects;
}
