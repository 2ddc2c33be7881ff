import { REFUSED_DETAILS } from "../../cluster/istio/native-check.ts";
import { FILTER_MISSING } from "../../cluster/istio/native-replies.ts";

/**
 * The fields of an access log line (proto/access_log.proto) with their DuckDB types; others are dropped.
 */
export const FIELDS = {
  start_time: "TIMESTAMP_MS",
  duration: "BIGINT",
  protocol: "VARCHAR",
  response_code: "USMALLINT",
  response_flags: "VARCHAR",
  response_code_details: "VARCHAR",
  grpc_status: "VARCHAR",
  bytes_received: "BIGINT",
  bytes_sent: "BIGINT",
  downstream_local_address: "VARCHAR",
  downstream_remote_address: "VARCHAR",
  upstream_host: "VARCHAR",
  upstream_time: "BIGINT",
  hostname: "VARCHAR",
  authority: "VARCHAR",
  method: "VARCHAR",
  path: "VARCHAR",
  user_agent: "VARCHAR",
  request_id: "VARCHAR",
  trace_id: "VARCHAR",
  gateway: "VARCHAR",
  tenant: "VARCHAR",
  credential: "VARCHAR",
  taskid: "VARCHAR",
  version: "VARCHAR",
  model: "VARCHAR",
  decision: "VARCHAR",
  reason: "VARCHAR",
  would_refuse: "VARCHAR",
  request_tensor_bytes: "BIGINT",
  response_tensor_bytes: "BIGINT",
  phases: "JSON",
  response_model: "VARCHAR",
  finish_reason: "VARCHAR",
  usage: "VARCHAR",
  input_tokens: "BIGINT",
  cached_tokens: "BIGINT",
  output_tokens: "BIGINT",
  reasoning_tokens: "BIGINT",
  time_to_first_token_us: "BIGINT",
  time_per_output_token_us: "BIGINT",
  aborted: "VARCHAR",
  cost_micros: "BIGINT",
  currency: "VARCHAR",
  budget_warning: "VARCHAR",
} as const;

type Field = keyof typeof FIELDS;
export const FIELD_NAMES = Object.keys(FIELDS) as Field[];

/** What traffic is counted by: each combination is a series. */
export const DIMENSIONS = ["tenant", "taskid", "version", "gateway"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** What it can be grouped by besides, while the lines themselves are kept. */
const LINE_DIMENSIONS = ["credential", "model", "code", "reason", "outcome"] as const;
type LineDimension = (typeof LINE_DIMENSIONS)[number];
export type Group = Dimension | LineDimension;
export const GROUPS: readonly Group[] = [...DIMENSIONS, ...LINE_DIMENSIONS];

/** Largest whole number that is one of a log line: with any number of such lines no sum leaves BIGINT. */
const MAX_NUMBER = 1e12;

/** Most characters of a text that are kept; the log stage writes at most as many bytes. */
const MAX_TEXT = 8192;

/** Longest line that is read, in bytes. */
export const LINE_LIMIT = 4 << 20;

/**
 * A table function over a file of log lines. A line that is no JSON object comes out as a row of NULLs, a
 * value of a wrong type as NULL, as one that is negative or beyond all measure, a long text is cut, a blank
 * line not at all.
 */
export function readLines(
  path: string,
  compression: "uncompressed" | "auto_detect" = "uncompressed",
): string {
  const columns = Object.entries(FIELDS).map(([name, type]) => `${name}: '${type}'`);
  const values = Object.entries(FIELDS).map(([name, type]) => `${kept(name, type)} AS ${name}`);
  return (
    `(SELECT ${values.join(", ")} FROM read_json(${quote(path)}, columns = {${columns.join(", ")}}, format = 'newline_delimited', ` +
    `compression = '${compression}', ignore_errors = true, maximum_object_size = ${LINE_LIMIT}))`
  );
}

function kept(name: string, type: string): string {
  // What no filter has seen has no reason of the log stage; Envoy's own check gives one.
  if (name === "reason")
    return `CASE WHEN response_code_details = '${REFUSED_DETAILS}' THEN '${FILTER_MISSING.reason}' ELSE ${shortened(name)} END`;
  if (type === "BIGINT") return `CASE WHEN ${name} BETWEEN 0 AND ${MAX_NUMBER} THEN ${name} END`;
  if (type === "VARCHAR") return shortened(name);
  if (type === "JSON") return `CASE WHEN strlen(${name}::VARCHAR) <= ${MAX_TEXT} THEN ${name} END`;
  return name;
}

function shortened(name: string): string {
  return `CASE WHEN strlen(${name}) > ${MAX_TEXT} THEN left(${name}, ${MAX_TEXT}) ELSE ${name} END`;
}

/** A text as an SQL expression; DuckDB reads a statement only up to a NUL. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''").replaceAll("\0", "' || chr(0) || '")}'`;
}
