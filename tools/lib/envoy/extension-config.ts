import { fileSource, writeResources } from "./resource-file.ts";

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

/** Writes the file of `discoveredFilter`, at once and whole. */
export async function writeFilterConfig(file: string, { name, typed_config }: Filter): Promise<void> {
  const type = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
  await writeResources(file, [{ "@type": type, name, typed_config }]);
}
