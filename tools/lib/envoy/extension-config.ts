import { rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

interface Filter {
  name: string;
  typed_config: object & { "@type": string };
}

/**
 * A filter of the chain whose configuration Envoy takes from a file and takes anew when the file changes, for
 * new streams on open connections too: extension config discovery, as Istio serves a WasmPlugin.
 */
export function discoveredFilter(name: string, file: string, typeUrl: string): object {
  return {
    name,
    config_discovery: {
      config_source: fileSource(file),
      type_urls: [typeUrl],
    },
  };
}

/** Configuration that Envoy takes from a file of `writeFilterConfig`. */
export function fileSource(file: string): object {
  return {
    path_config_source: { path: file, watched_directory: { path: dirname(file) } },
    resource_api_version: "V3",
  };
}

let version = 0;

/** Writes the file of `discoveredFilter`, at once and whole. */
export async function writeFilterConfig(file: string, filter: Filter): Promise<void> {
  const resource = {
    "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
    name: filter.name,
    typed_config: filter.typed_config,
  };
  const temporary = join(dirname(file), `.${basename(file)}.new`);
  await writeFile(temporary, JSON.stringify({ version_info: String(++version), resources: [resource] }));
  await rename(temporary, file);
}
