import { type Outcome, outcomeSql } from "../../../lib/access-log/outcome.ts";
import { DIMENSIONS, type Group } from "../fields.ts";
import { bucketOf } from "../sketch.ts";

/** How fine recent traffic is, in seconds. */
export const RECENT_SECONDS = 10;
/** Traffic older than this is kept by the minute. */
export const RECENT_MS = 10 * 60_000;

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

/** A group's value in a log line. */
function expressionOf(group: Group): string {
  if (group === "code") return "coalesce(response_code, 0)::USMALLINT";
  return group === "outcome" ? outcomeSql() : `coalesce(${group}, '')`;
}

/** Groups as columns of a query over log lines, a comma behind each. */
export function columnsOf(groups: Iterable<Group>): string {
  return [...groups].map((group) => `${expressionOf(group)} AS ${group},`).join(" ");
}

const WOULD_REFUSE = "decision = 'would_refuse' OR would_refuse <> ''";

/**
 * Requests of log lines per ten seconds of their start, series, code and reason. In the columns of the table
 * `traffic_recent`: `errors` are the server's.
 * @param groups what a series is
 */
export function trafficOf(lines: string, groups: readonly Group[] = DIMENSIONS): string {
  return `SELECT time_bucket(INTERVAL '${RECENT_SECONDS} seconds', start_time::TIMESTAMP) AS time,
    ${columnsOf(new Set([...groups, "code", "reason"]))}
    count(*)::BIGINT AS requests, ${counted("server_error")} AS errors, ${counted("refused")} AS refused,
    count(*) FILTER (${WOULD_REFUSE})::BIGINT AS would_refuse, coalesce(sum(duration), 0)::BIGINT AS duration_sum,
    coalesce(sum(bytes_received), 0)::BIGINT AS bytes_received, coalesce(sum(bytes_sent), 0)::BIGINT AS bytes_sent,
    ${counted("client_error")} AS client_errors
    FROM (SELECT *, ${outcomeSql()} AS ended FROM ${lines}) GROUP BY ALL`;
}

function counted(outcome: Outcome): string {
  return `count(*) FILTER (ended = '${outcome}')::BIGINT`;
}

/** The sketch of the latencies of log lines, in the columns of the table `latency_recent`. */
export function latencyOf(lines: string, groups: readonly Group[] = DIMENSIONS): string {
  return `SELECT time_bucket(INTERVAL '${RECENT_SECONDS} seconds', start_time::TIMESTAMP) AS time, ${columnsOf(groups)}
    ${bucketOf("duration")} AS bucket, count(*)::BIGINT AS requests
    FROM ${lines} WHERE duration IS NOT NULL GROUP BY ALL`;
}
