import { access, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../lib/installation.ts";

const TEMPLATE = new URL("filters/converter/template/", PROJECT_ROOT);

/**
 * Makes the folder of a new converter: source, example, test, README. @returns its files
 * @throws Error when the folder is there already
 */
export async function newConverter(name: string, folder: string): Promise<string[]> {
  const there = await access(folder).then(
    () => true,
    () => false,
  );
  if (there) throw new Error(`${folder} exists already: choose another name or --dir`);
  await mkdir(folder, { recursive: true });
  const installation = relative(resolve(folder), fileURLToPath(PROJECT_ROOT)).replace(/\/$/, "");
  const files = await readdir(TEMPLATE);
  for (const file of files) {
    const text = await readFile(new URL(file, TEMPLATE), "utf8");
    const own = text.replaceAll("NAME", name).replaceAll("MODELGATE", installation);
    await writeFile(join(folder, nameOf(file)), own);
  }
  return files.map(nameOf);
}

/** A file of this name would be taken for the project's own in the template. */
function nameOf(file: string): string {
  return file === "gitignore" ? ".gitignore" : file;
}
