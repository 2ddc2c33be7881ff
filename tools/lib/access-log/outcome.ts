/**
 * How a request ended, told from its log line: each line is in one class, so that the classes add up to the
 * requests. docs/concepts/outcomes.md is this in words; store, page, commands, Prometheus, OTLP, the stream
 * job, dashboards and alerts go by it.
 */
export const OUTCOMES = ["served", "refused", "client_error", "server_error"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Reasons of the gateway's own refusals that are its failures, and nobody's limit or mistake. */
const GATEWAY_FAULTS = ["filter_missing", "keys_unavailable", "memory_exhausted", "replay_window_full"];

/** Flags of Envoy that say the caller went away. */
const CALLER_LEFT = ["DC", "DR"];

/** Flags of Envoy that say that the model server, or the way to it, broke a response off that had begun. */
const BROKEN_OFF = ["LR", "SI", "UC", "UF", "UMSDR", "UPE", "UR", "UT"];

/**
 * gRPC statuses that are the caller's fault: those that OpenTelemetry's conventions for gRPC spans do not
 * call errors of a server. What gRPC does not know is no answer that a server should give.
 */
const CALLER_STATUSES = [
  "Canceled",
  "InvalidArgument",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unauthenticated",
];

const OK = 200;
const FIRST_CLIENT_ERROR = 400;
const FIRST_SERVER_ERROR = 500;

/** The fields of a log line that its class follows from; what is absent is empty. */
export interface Ended {
  response_code?: number | null | undefined;
  response_flags?: string | null | undefined;
  grpc_status?: string | null | undefined;
  decision?: string | null | undefined;
  reason?: string | null | undefined;
}

/** The class of a log line. */
export function outcomeOf({ response_code, response_flags, grpc_status, decision, reason }: Ended): Outcome {
  const code = response_code ?? 0;
  // Envoy infers a gRPC status of HTTP answers, too. Those of gRPC have the code 200, whatever their status
  // is.
  const status = code === OK ? grpc_status || "OK" : "OK";
  const has = (flags: string[]) => (response_flags ?? "").split(",").some((flag) => flags.includes(flag));
  if (GATEWAY_FAULTS.includes(reason ?? "")) return "server_error";
  if (decision === "refused" || (!decision && reason)) return "refused";
  if (has(CALLER_LEFT)) return "client_error";
  if (code === 0 || code >= FIRST_SERVER_ERROR) return "server_error";
  if (code >= FIRST_CLIENT_ERROR) return "client_error";
  if (status !== "OK") return CALLER_STATUSES.includes(status) ? "client_error" : "server_error";
  return has(BROKEN_OFF) ? "server_error" : "served";
}

/**
 * The same as an expression over columns with the names of the fields, in SQL that DuckDB and Flink share.
 */
export function outcomeSql(): string {
  const code = "COALESCE(response_code, 0)";
  const reason = "COALESCE(reason, '')";
  const decision = "COALESCE(decision, '')";
  const status = `CASE WHEN ${code} = ${OK} THEN COALESCE(grpc_status, '') ELSE '' END`;
  return `CASE
    WHEN ${reason} IN (${list(GATEWAY_FAULTS)}) THEN 'server_error'
    WHEN ${decision} = 'refused' OR (${decision} = '' AND ${reason} <> '') THEN 'refused'
    WHEN ${flags(CALLER_LEFT)} THEN 'client_error'
    WHEN ${code} = 0 OR ${code} >= ${FIRST_SERVER_ERROR} THEN 'server_error'
    WHEN ${code} >= ${FIRST_CLIENT_ERROR} THEN 'client_error'
    WHEN ${status} IN (${list(CALLER_STATUSES)}) THEN 'client_error'
    WHEN ${status} NOT IN ('', 'OK') THEN 'server_error'
    WHEN ${flags(BROKEN_OFF)} THEN 'server_error'
    ELSE 'served'
  END`;
}

function list(texts: string[]): string {
  return texts.map((text) => `'${text}'`).join(", ");
}

/** Whether one of the flags is there; most lines have none, and are not looked through. */
function flags(names: string[]): string {
  const found = names.map((name) => `(',' || response_flags || ',') LIKE '%,${name},%'`);
  return `CASE WHEN COALESCE(response_flags, '-') IN ('-', '') THEN FALSE ELSE ${found.join(" OR ")} END`;
}
