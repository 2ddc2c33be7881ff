import { Option } from "commander";
import { byKind, crossCheck, type Resources } from "../resources/cross-check.ts";
import { loadResources } from "../resources/load.ts";

export interface FileOptions {
  filename: string[];
  recursive?: true;
}

export function fileOption(): Option {
  return new Option("-f, --filename <path...>", "files or folders of Tenants and ModelTasks; - reads stdin");
}

export function recursiveOption(): Option {
  return new Option("-R, --recursive", "go into folders of folders");
}

/** Reads and checks the resources of `-f`. @throws InvalidResources with every fault, Error without `-f` */
export async function readResources(options: Partial<FileOptions>): Promise<Resources> {
  const resources = await readUnchecked(options);
  crossCheck(resources);
  return resources;
}

/** Reads the resources of `-f`, each checked for itself. */
export async function readUnchecked({ filename = [], recursive }: Partial<FileOptions>): Promise<Resources> {
  if (filename.length === 0) throw new Error("name files or folders with -f, or - for stdin");
  return byKind(await loadResources(filename, { recursive: recursive ?? false }));
}
