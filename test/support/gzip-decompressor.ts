/** Envoy's filter that decompresses gzip request bodies; it belongs before the conversion. */
export function gzipDecompressor(): object {
  return {
    name: "envoy.filters.http.decompressor",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.decompressor.v3.Decompressor",
      decompressor_library: {
        name: "gzip",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.compression.gzip.decompressor.v3.Gzip",
        },
      },
      response_direction_config: {
        common_config: { enabled: { default_value: false, runtime_key: "decompress_responses" } },
      },
    },
  };
}
