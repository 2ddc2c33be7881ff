/** What Envoy itself knows of a request, as members of a JSON object. None of these values is written by a client. */
const ENVOY_MEMBERS = [
  '"start_time":"%START_TIME%"',
  '"duration":%DURATION%',
  '"protocol":"%PROTOCOL%"',
  '"response_code":%RESPONSE_CODE%',
  '"response_flags":"%RESPONSE_FLAGS%"',
  '"grpc_status":"%GRPC_STATUS%"',
  '"bytes_received":%BYTES_RECEIVED%',
  '"bytes_sent":%BYTES_SENT%',
  '"downstream_local_address":"%DOWNSTREAM_LOCAL_ADDRESS%"',
  '"downstream_remote_address":"%DOWNSTREAM_REMOTE_ADDRESS%"',
  '"upstream_host":"%UPSTREAM_HOST%"',
  '"hostname":"%HOSTNAME%"',
];

/**
 * Envoy's file access logger, one JSON object a line. The access-log stage leaves its members in filter state
 * `wasm.modelgate.log`, escaped and with a comma before each; a request that no filter saw lacks them.
 */
export function fileAccessLog(path: string): object {
  return {
    name: "envoy.access_loggers.file",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
      path,
      log_format: {
        omit_empty_values: true,
        text_format_source: {
          inline_string: `{${ENVOY_MEMBERS.join(",")}%FILTER_STATE(wasm.modelgate.log:PLAIN)%}\n`,
        },
      },
    },
  };
}
