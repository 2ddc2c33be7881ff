import { OPERATION_SQL } from "../../../lib/access-log/genai.ts";
import { DIMENSIONS, type Group } from "../fields.ts";
import { bucketOf } from "../sketch.ts";
import { columnsOf, RECENT_SECONDS } from "./aggregate.ts";

/**
 * Calls to language models that a model answered, beside the traffic that they are part of: tokens, money,
 * times of tokens.
 */

/** What is counted of calls, with its expression over log lines; `_us` are microseconds. */
const SUMS = {
  calls: "count(*)",
  input_tokens: "sum(input_tokens)",
  cached_tokens: "sum(cached_tokens)",
  output_tokens: "sum(output_tokens)",
  reasoning_tokens: "sum(reasoning_tokens)",
  estimated: "count(*) FILTER (usage = 'estimated')",
  aborted: "count(*) FILTER (aborted <> '')",
  cost_micros: "sum(cost_micros)",
  reported_input_tokens: "sum(input_tokens) FILTER (usage = 'reported')",
  reported_output_tokens: "sum(output_tokens) FILTER (usage = 'reported')",
  duration_ms: "sum(duration)",
  time_to_first_token_us: "sum(time_to_first_token_us)",
  time_per_output_token_us: "sum(time_per_output_token_us)",
} as const;
export type ModelSum = keyof typeof SUMS;
export const MODEL_SUMS = Object.keys(SUMS) as ModelSum[];

/** What is kept as a sketch of each: fields of a line, in their units. */
export const SKETCHED = [
  "time_to_first_token_us",
  "time_per_output_token_us",
  "input_tokens",
  "output_tokens",
  "duration",
] as const;
export type Sketched = (typeof SKETCHED)[number];

export const OF_MODEL = "usage <> ''";

const TIME = `time_bucket(INTERVAL '${RECENT_SECONDS} seconds', start_time::TIMESTAMP) AS time`;
const HOUR = "date_trunc('hour', start_time::TIMESTAMP) AS time";
const SUMMED = MODEL_SUMS.map((name) => `coalesce(${SUMS[name]}, 0)::BIGINT AS ${name}`).join(", ");
const CURRENCY = "coalesce(currency, '') AS currency";
/** What spend is told apart by. */
export const PAYERS: readonly Group[] = [...DIMENSIONS, "credential"];

/** Sums of the calls among log lines, per ten seconds of their start. @param groups what a series is */
export function modelCallsOf(lines: string, groups: readonly Group[] = DIMENSIONS): string {
  return `SELECT ${TIME}, ${columnsOf(groups)} ${OPERATION_SQL} AS operation, ${CURRENCY}, ${SUMMED}
    FROM ${lines} WHERE ${OF_MODEL} GROUP BY ALL`;
}

/** Sketches of the calls among log lines. */
export function modelSketchesOf(lines: string, groups: readonly Group[] = DIMENSIONS): string {
  return sketches(lines, `${TIME}, ${columnsOf(groups)} ${OPERATION_SQL} AS operation`, SKETCHED);
}

/** The same by the hour and credential, in the columns of the tables `spend` and `spend_sketch`. */
export function spendOf(lines: string): string {
  return `SELECT ${HOUR}, ${columnsOf(PAYERS)} ${CURRENCY}, ${SUMMED} FROM ${lines} WHERE ${OF_MODEL} GROUP BY ALL`;
}

export function spendSketchesOf(lines: string): string {
  const kinds = SKETCHED.filter((name) => name.startsWith("time_"));
  return sketches(lines, `${HOUR}, ${columnsOf(PAYERS)} '' AS operation`, kinds);
}

function sketches(lines: string, columns: string, kinds: readonly Sketched[]): string {
  return kinds
    .map(
      (kind) => `SELECT ${columns}, '${kind}' AS kind, ${bucketOf(kind)} AS bucket, count(*)::BIGINT AS calls
        FROM ${lines} WHERE ${isTold(kind)} GROUP BY ALL`,
    )
    .join(" UNION ALL ");
}

/** The conventions want no tokens in a histogram that are an estimate. */
function isTold(kind: Sketched): string {
  return `${OF_MODEL} AND ${kind} IS NOT NULL${kind.endsWith("_tokens") ? " AND usage = 'reported'" : ""}`;
}

const SERIES = DIMENSIONS.map((name) => `${name} VARCHAR NOT NULL`).join(", ");
const SUM_COLUMNS = MODEL_SUMS.map((name) => `${name} BIGINT NOT NULL`).join(", ");
const OF_CALLS = `${SERIES}, operation VARCHAR NOT NULL, currency VARCHAR NOT NULL, ${SUM_COLUMNS}`;
const OF_SKETCH =
  "operation VARCHAR NOT NULL, kind VARCHAR NOT NULL, bucket SMALLINT NOT NULL, calls BIGINT NOT NULL";
const OF_SPEND = `${SERIES}, credential VARCHAR NOT NULL, currency VARCHAR NOT NULL, ${SUM_COLUMNS}`;
const table = (name: string, columns: string) =>
  `CREATE TABLE IF NOT EXISTS ${name} (time TIMESTAMP NOT NULL, ${columns});`;

/** `_recent` have rows of ten seconds, `model_calls` and `model_sketch` of minutes, `spend` of hours. */
export const MODEL_SCHEMA = [
  table("model_calls_recent", OF_CALLS),
  table("model_calls", OF_CALLS),
  table("model_sketch_recent", `${SERIES}, ${OF_SKETCH}`),
  table("model_sketch", `${SERIES}, ${OF_SKETCH}`),
  table("spend", OF_SPEND),
  table("spend_sketch", `${SERIES}, credential VARCHAR NOT NULL, ${OF_SKETCH}`),
].join("\n");

/** Tables of which what is too old is deleted. */
export const MODEL_TABLES = ["model_calls", "model_sketch", "spend", "spend_sketch"];
