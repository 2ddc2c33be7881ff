import { rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** A resource of Envoy's discovery, with its type. */
interface DiscoveredResource {
  "@type": string;
  [field: string]: unknown;
}

/** Resources that Envoy takes from a file of `writeResources`, and takes anew when it changes. */
export function fileSource(file: string): object {
  return {
    path_config_source: { path: file, watched_directory: { path: dirname(file) } },
    resource_api_version: "V3",
  };
}

let version = 0;

/** Writes the file of a `fileSource`, at once and whole. */
export async function writeResources(file: string, resources: DiscoveredResource[]): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.new`);
  await writeFile(temporary, JSON.stringify({ version_info: String(++version), resources }));
  await rename(temporary, file);
}
