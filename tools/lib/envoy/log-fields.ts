/**
 * Fields of the access log that Envoy knows, by name: the command of its text format, and whether the value
 * is a text. The others have a value in every line that is a number.
 */
export const ENVOY_FIELDS = {
  start_time: { command: "%START_TIME%", text: true },
  duration: { command: "%DURATION%", text: false },
  protocol: { command: "%PROTOCOL%", text: true },
  response_code: { command: "%RESPONSE_CODE%", text: false },
  response_flags: { command: "%RESPONSE_FLAGS%", text: true },
  response_code_details: { command: "%RESPONSE_CODE_DETAILS%", text: true },
  grpc_status: { command: "%GRPC_STATUS%", text: true },
  bytes_received: { command: "%BYTES_RECEIVED%", text: false },
  bytes_sent: { command: "%BYTES_SENT%", text: false },
  downstream_local_address: { command: "%DOWNSTREAM_LOCAL_ADDRESS%", text: true },
  downstream_remote_address: { command: "%DOWNSTREAM_REMOTE_ADDRESS%", text: true },
  upstream_host: { command: "%UPSTREAM_HOST%", text: true },
  upstream_time: { command: "%COMMON_DURATION(DS_RX_END:US_RX_BEG:ms)%", text: true },
  hostname: { command: "%HOSTNAME%", text: true },
} as const;

/** Fields that calls to language models have which a model answered. */
export const MODEL_CALL_FIELDS = [
  "response_model",
  "finish_reason",
  "usage",
  "input_tokens",
  "cached_tokens",
  "output_tokens",
  "reasoning_tokens",
  "time_to_first_token_us",
  "time_per_output_token_us",
  "aborted",
  "cost_micros",
  "currency",
  "budget_warning",
] as const;

/** Fields that the log stage writes, in the order of proto/access_log.proto, as all fields here are. */
const STAGE_FIELDS = [
  "authority",
  "method",
  "path",
  "user_agent",
  "request_id",
  "trace_id",
  "gateway",
  "tenant",
  "credential",
  "taskid",
  "version",
  "model",
  "decision",
  "reason",
  "would_refuse",
  "request_tensor_bytes",
  "response_tensor_bytes",
  "phases",
  ...MODEL_CALL_FIELDS,
] as const;

/** Request headers that a field of the line shows. */
export const LOGGED_HEADERS = [
  ":authority",
  "user-agent",
  "x-request-id",
  "traceparent",
  "taskid",
  "version",
] as const;

type EnvoyField = keyof typeof ENVOY_FIELDS;
export type LogField = EnvoyField | (typeof STAGE_FIELDS)[number];

/** A field of the line, and its name there; `undefined` is its own name. */
export interface NamedField {
  field: LogField;
  as?: string | undefined;
}

export const LOG_FIELDS: [LogField, ...LogField[]] = [
  "start_time",
  ...(Object.keys(ENVOY_FIELDS).slice(1) as EnvoyField[]),
  ...STAGE_FIELDS,
];

export function isEnvoyField(field: LogField): field is EnvoyField {
  return field in ENVOY_FIELDS;
}
