/** Members of a line: their numbers, and the names below, are those of proto/access_log.proto. */
export enum Field {
  None,
  StartTime,
  Duration,
  Protocol,
  ResponseCode,
  ResponseFlags,
  ResponseCodeDetails,
  GrpcStatus,
  BytesReceived,
  BytesSent,
  DownstreamLocalAddress,
  DownstreamRemoteAddress,
  UpstreamHost,
  UpstreamTime,
  Hostname,
  Authority,
  Method,
  Path,
  UserAgent,
  RequestId,
  TraceId,
  Gateway,
  Tenant,
  Credential,
  Taskid,
  Version,
  Model,
  Decision,
  Reason,
  WouldRefuse,
  RequestTensorBytes,
  ResponseTensorBytes,
  Phases,
  ResponseModel,
  FinishReason,
  Usage,
  InputTokens,
  CachedTokens,
  OutputTokens,
  ReasoningTokens,
  TimeToFirstTokenUs,
  TimePerOutputTokenUs,
  Aborted,
  CostMicros,
  Currency,
  BudgetWarning,
}

/**
 * Up to this one Envoy knows them: its own logger writes them, and the stage only when it sends lines itself.
 */
export const LAST_OF_ENVOY: Field = Field.Hostname;

/** From this one on they are of calls to language models. */
export const FIRST_OF_MODEL_CALL: Field = Field.ResponseModel;

/** Names by `Field`. */
export const FIELD_NAMES: string[] = [
  "",
  "start_time",
  "duration",
  "protocol",
  "response_code",
  "response_flags",
  "response_code_details",
  "grpc_status",
  "bytes_received",
  "bytes_sent",
  "downstream_local_address",
  "downstream_remote_address",
  "upstream_host",
  "upstream_time",
  "hostname",
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
];

/** Header that a field shows, for fields whose value may be hidden. */
export function headerOf(field: Field): string {
  if (field == Field.Authority) return ":authority";
  if (field == Field.UserAgent) return "user-agent";
  if (field == Field.RequestId) return "x-request-id";
  if (field == Field.TraceId) return "traceparent";
  if (field == Field.Taskid) return "taskid";
  return field == Field.Version ? "version" : "";
}
