import { type Outcome, outcomeSql } from "../../../lib/access-log/outcome.ts";
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
  "client_errors",
] as const;
export type Sum = (typeof SUMS)[number];

const SERIES = DIMENSIONS.map((name) => `coalesce(${name}, '') AS ${name}`).join(", ");

const WOULD_REFUSE = "decision = 'would_refuse' OR would_refuse <> ''";

/**
 * Requests of log lines per ten seconds of their start, series, code and reason. In the columns of the table
 * `traffic_recent`: `errors` are the server's.
 */
export function trafficOf(lines: string): string {
  return `SELECT time_bucket(INTERVAL '${RECENT_SECONDS} seconds', start_time::TIMESTAMP) AS time, ${SERIES},
    coalesce(response_code, 0)::USMALLINT AS code, coalesce(reason, '') AS reason,
    count(*)::BIGINT AS requests, ${counted("server_error")} AS errors, ${counted("refused")} AS refused,
    count(*) FILTER (${WOULD_REFUSE})::BIGINT AS would_refuse, coalesce(sum(duration), 0)::BIGINT AS duration_sum,
    coalesce(sum(bytes_received), 0)::BIGINT AS bytes_received, coalesce(sum(bytes_sent), 0)::BIGINT AS bytes_sent,
    ${counted("client_error")} AS client_errors
    FROM (SELECT *, ${outcomeSql()} AS outcome FROM ${lines}) GROUP BY ALL`;
}

function counted(outcome: Outcome): string {
  return `count(*) FILTER (outcome = '${outcome}')::BIGINT`;
}

/** The sketch of the latencies of log lines, in the columns of the table `latency_recent`. */
export function latencyOf(lines: string): string {
  return `SELECT time_bucket(INTERVAL '${RECENT_SECONDS} seconds', start_time::TIMESTAMP) AS time, ${SERIES},
    ${bucketOf("duration")} AS bucket, count(*)::BIGINT AS requests
    FROM ${lines} WHERE duration IS NOT NULL GROUP BY ALL`;
}
