import type { Group } from "../fields.ts";
import { bucketValue } from "../sketch.ts";
import { RECENT_SECONDS, SUMS, type Sum } from "../store/aggregate.ts";
import type { Connection } from "../store/database.ts";
import { conditionOf } from "./conditions.ts";
import { type ModelRelations, type ModelTraffic, modelTraffic } from "./model-traffic.ts";
import { badParameter, type Filters, type Range } from "./parameters.ts";
import { type Key, keyOf, type QUANTILES, quantilesOf } from "./quantiles.ts";

interface TrafficQuery {
  range: Range;
  filters: Filters;
  /** What rows are told apart by. */
  by: Group[];
  /** Seconds; 0: one row for the whole range. */
  step: number;
}

/** Traffic of one series in one step. */
export type TrafficRow = Partial<Record<Exclude<Group, "code">, string>> & {
  /** Response code, where rows are told apart by it. */
  code?: number;
  /** RFC 3339; not when the step is 0. */
  time?: string;
  requests: number;
  /** Requests a second. */
  qps: number;
  /**
   * How requests ended (tools/lib/access-log/outcome.ts): these four add up to them; `errors` are the
   * server's.
   */
  served: number;
  refused: number;
  client_errors: number;
  errors: number;
  would_refuse: number;
  /** Requests by response code. */
  codes: Record<string, number>;
  /** Requests by the reason that their callers got, where they got one. */
  reasons: Record<string, number>;
  /** Milliseconds; null when there was no request. */
  p50: number | null;
  p90: number | null;
  p99: number | null;
  /** Milliseconds, all requests together. */
  duration_sum: number;
  bytes_received: number;
  bytes_sent: number;
  /** Requests in flight on average: Little's law, what they lasted together over how long the step is. */
  in_flight: number;
  /** The calls to language models among them; absent where there is none. */
  models?: ModelTraffic;
};

export interface Traffic {
  from: string;
  to: string;
  step: number;
  rows: TrafficRow[];
}

/** Where traffic and latencies are read from, by name of the relation. */
export interface Relations extends ModelRelations {
  traffic: string;
  latency: string;
}

/** Those of the store: minutes, and ten seconds for what is recent. */
export const STORED: Relations = {
  traffic: "(FROM traffic UNION ALL FROM traffic_recent)",
  latency: "(FROM latency UNION ALL FROM latency_recent)",
  modelCalls: "(FROM model_calls UNION ALL FROM model_calls_recent)",
  modelSketches: "(FROM model_sketch UNION ALL FROM model_sketch_recent)",
};

/** Most rows of one answer. */
const MAX_ROWS = 100_000;

/** Times are brought to whole steps; with a step of 0, to the finest that recent traffic has. */
export function alignedRange({ from, to }: Range, step: number): Range {
  const unit = (step || RECENT_SECONDS) * 1_000;
  return { from: Math.floor(from / unit) * unit, to: Math.ceil(to / unit) * unit };
}

/** All of it from one snapshot of the store. */
export function queryTraffic(
  connection: Connection,
  query: TrafficQuery,
  relations: Relations = STORED,
): Promise<Traffic> {
  return connection.transaction(() => inSnapshot(connection, query, relations));
}

async function inSnapshot(
  connection: Connection,
  query: TrafficQuery,
  relations: Relations,
): Promise<Traffic> {
  const { step, by, filters } = query;
  const range = alignedRange(query.range, step);
  const condition = conditionOf(filters, range, "time");
  const start = step === 0 ? [] : [`(epoch_ms(time) // ${step * 1_000} * ${step * 1_000})::DOUBLE AS start`];
  const keys = [...start, ...by];
  const names = [...(step === 0 ? [] : ["start"]), ...by];
  const select = (columns: string[], relation: string) =>
    `SELECT ${[...keys, ...columns].join(", ")} FROM ${relation} WHERE ${condition} GROUP BY ALL`;
  const rows = new Map<string, TrafficRow>();
  const seconds = step || (range.to - range.from) / 1_000;
  const sums = SUMS.map((name) => `sum(${name})::DOUBLE AS ${name}`);
  const summed = await connection.rows<
    Key & Record<Exclude<Sum, "requests">, number> & { requests: number | null }
  >(`${select(sums, relations.traffic)} ORDER BY ALL LIMIT ${MAX_ROWS + 1}`);
  if (summed.length > MAX_ROWS)
    throw badParameter("step", `larger, or by fewer: these are more than ${MAX_ROWS} rows`);
  for (const row of summed) {
    // A sum over no row at all is a row without sums.
    const { start, requests, ...rest } = row;
    if (requests === null) continue;
    rows.set(keyOf(row, names), {
      ...(start !== undefined && { time: new Date(start).toISOString() }),
      requests,
      ...rest,
      served: Math.max(0, requests - rest.refused - rest.client_errors - rest.errors),
      qps: requests / seconds,
      codes: {},
      reasons: {},
      ...{ p50: null, p90: null, p99: null },
      in_flight: rest.duration_sum / 1_000 / seconds,
    } as TrafficRow);
  }
  const count = "sum(requests)::DOUBLE AS n";
  for (const row of await connection.rows<Key & { status: number; n: number }>(
    select(["code AS status", count], relations.traffic),
  ))
    (rows.get(keyOf(row, names)) as TrafficRow).codes[row.status] = row.n;
  for (const row of await connection.rows<Key & { why: string; n: number }>(
    `${select(["reason AS why", count], `(FROM ${relations.traffic} WHERE reason <> '')`)}`,
  ))
    (rows.get(keyOf(row, names)) as TrafficRow).reasons[row.why] = row.n;
  for (const row of await connection.rows<Key & Record<keyof typeof QUANTILES, number>>(
    quantilesOf(select(["bucket", count], relations.latency), names),
  )) {
    const traffic = rows.get(keyOf(row, names));
    if (traffic === undefined) continue;
    for (const name of ["p50", "p90", "p99"] as const) traffic[name] = bucketValue(row[name]);
  }
  for (const [key, models] of await modelTraffic(connection, select, names, relations)) {
    const traffic = rows.get(key);
    if (traffic !== undefined) traffic.models = models;
  }
  const time = (milliseconds: number) => new Date(milliseconds).toISOString();
  return { from: time(range.from), to: time(range.to), step, rows: [...rows.values()] };
}
