import type { Stats } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const EXTENSIONS = /\.(ya?ml|json)$/;

export interface SourceText {
  /** Path as given, or `stdin`. */
  file: string;
  text: string;
}

export interface ReadOptions {
  /** Go into folders of folders. */
  recursive?: boolean;
  /** What `-` reads. */
  stdin?: NodeJS.ReadableStream;
}

/**
 * The text of files, of the .yaml, .yml and .json files of folders, and of stdin (`-`), in the order of their
 * names.
 * @throws Error that names the path which can't be read, or a folder with no such file
 */
export async function readSources(paths: string[], options: ReadOptions = {}): Promise<SourceText[]> {
  const sources: SourceText[] = [];
  for (const path of paths) {
    if (path === "-") {
      sources.push({ file: "stdin", text: await text(options.stdin ?? process.stdin) });
      continue;
    }
    const isFolder = (await find(path)).isDirectory();
    const files = isFolder ? await filesOf(path, options.recursive ?? false) : [path];
    if (files.length === 0) throw new Error(`${path}: holds no .yaml, .yml or .json file`);
    for (const file of files) sources.push({ file, text: await readFile(file, "utf8") });
  }
  return sources;
}

async function find(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error(`${path}: there is no such file or folder`);
  }
}

async function filesOf(folder: string, recursive: boolean): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive });
  return entries
    .filter((entry) => !entry.isDirectory() && EXTENSIONS.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
