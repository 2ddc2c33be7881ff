import { DIMENSIONS } from "../fields.ts";
import { bucketOf } from "../sketch.ts";

/** How fine recent traffic is, in seconds. */
export const RECENT_SECONDS = 10;

/** What is counted of requests, beside the requests themselves. */
export const SUMS = [
  "requests",
  "errors",
  "refused",
  "would_refuse",
  "duration_sum",
  "bytes_received",
  "bytes_sent",
] as const;
export type Sum = (typeof SUMS)[number];

const SERIES = DIMENSIONS.map((name) => `coalesce(${name}, '') AS ${name}`).join(", ");

/**
 * Whether the server, and not the client or a limit, made the request fail; gRPC codes as their HTTP mapping
 * to 5xx has it.
 */
const IS_ERROR =
  "coalesce(response_code, 0) = 0 OR response_code >= 500 OR grpc_status IN ('Unknown', 'DeadlineExceeded', 'Unimplemented', 'Internal', 'Unavailable', 'DataLoss')";
const IS_REFUSED = "decision = 'refused' OR (coalesce(decision, '') = '' AND reason <> '')";
const WOULD_REFUSE = "decision = 'would_refuse' OR would_refuse <> ''";

/**
 * Requests of log lines per ten seconds of their start, series, code and reason. In the columns of the table
 * `traffic_recent`.
 */
export function trafficOf(lines: string): string {
  return `SELECT time_bucket(INTERVAL '${RECENT_SECONDS} seconds', start_time::TIMESTAMP) AS time, ${SERIES},
    coalesce(response_code, 0)::USMALLINT AS code, CASE WHEN ${IS_REFUSED} THEN coalesce(reason, '') ELSE '' END AS reason,
    count(*)::BIGINT AS requests, count(*) FILTER (${IS_ERROR})::BIGINT AS errors, count(*) FILTER (${IS_REFUSED})::BIGINT AS refused,
    count(*) FILTER (${WOULD_REFUSE})::BIGINT AS would_refuse, coalesce(sum(duration), 0)::BIGINT AS duration_sum,
    coalesce(sum(bytes_received), 0)::BIGINT AS bytes_received, coalesce(sum(bytes_sent), 0)::BIGINT AS bytes_sent
    FROM ${lines} GROUP BY ALL`;
}

/** The sketch of the latencies of log lines, in the columns of the table `latency_recent`. */
export function latencyOf(lines: string): string {
  return `SELECT time_bucket(INTERVAL '${RECENT_SECONDS} seconds', start_time::TIMESTAMP) AS time, ${SERIES},
    ${bucketOf("duration")} AS bucket, count(*)::BIGINT AS requests
    FROM ${lines} WHERE duration IS NOT NULL GROUP BY ALL`;
}
