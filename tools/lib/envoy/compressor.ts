/**
 * Envoy's filter that compresses JSON responses for callers who ask for it. It belongs in front of all
 * others. Events and lines of a stream are of other types, so that nothing waits for more of them.
 * @param minBytes least `content-length`; responses without one are compressed whatever they turn out to be
 */
export function compressor(minBytes: number): object {
  return {
    name: "modelgate.compressor",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor",
      response_direction_config: {
        common_config: { min_content_length: minBytes, content_type: ["application/json"] },
      },
      compressor_library: {
        name: "gzip",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip",
          compression_level: "BEST_SPEED",
        },
      },
    },
  };
}
