import { realpath, rename, stat, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { Manifest } from "../lib/kubernetes/manifest.ts";
import type { Change } from "./change.ts";
import { editYaml, type Root } from "./edit-yaml.ts";
import type { SourceText } from "./read.ts";

/**
 * Finds where a resource stands.
 * @param namespace of a namespaced kind.
 * @throws Error when the files don't hold it
 */
export function locate(
  sources: SourceText[],
  kind: string,
  name: string,
  namespace?: string,
): { source: SourceText; root: Root } {
  const isIt = (object: Manifest | null) =>
    object?.kind === kind &&
    object.metadata.name === name &&
    (namespace === undefined || (object.metadata.namespace ?? "default") === namespace);
  for (const source of sources)
    for (const [document, each] of [...parseAllDocuments(source.text)].entries()) {
      const object = each.toJS() as (Manifest & { items?: Manifest[] }) | null;
      if (isIt(object)) return { source, root: { document, path: [] } };
      const index = object?.kind === "List" ? (object.items ?? []).findIndex(isIt) : -1;
      if (index >= 0) return { source, root: { document, path: ["items", index] } };
    }
  throw new Error(`there is no ${kind} ${JSON.stringify(name)} in the files`);
}

/** The file's text with changes of a resource, comments and form kept. @throws Error that names the file */
export function editedText({ file, text }: SourceText, root: Root, changes: Change[]): string {
  let after: string;
  try {
    after = editYaml(text, root, changes);
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (extname(file) !== ".json") return after;
  const indent = /^[ \t]+/m.exec(text)?.[0];
  return JSON.stringify(JSON.parse(after), null, indent) + (text.endsWith("\n") ? "\n" : "");
}

/** Replaces a file's content at once, so that a run that is cut off leaves the old or the new one. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const file = await realpath(path);
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}`);
  await writeFile(temporary, text, { mode: (await stat(file)).mode });
  await rename(temporary, file);
}
