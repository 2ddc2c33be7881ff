import { bucketValue } from "../sketch.ts";
import type { Connection } from "../store/database.ts";
import { MODEL_SUMS, type ModelSum } from "../store/model-calls.ts";
import { type Key, keyOf, QUANTILES, type Quantile, quantilesOf } from "./quantiles.ts";

/** Percentiles in milliseconds. */
type Percentiles = Record<Quantile, number>;

const COUNTED = [
  ...(["calls", "input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"] as const),
  ...(["estimated", "aborted"] as const),
];

/** Calls to language models that a model answered. */
export type ModelTraffic = Record<(typeof COUNTED)[number], number> & {
  /** Micro-units by currency, of calls that have a price. */
  costs: Record<string, number>;
  /** Of streams; absent where there is none. */
  time_to_first_token?: Percentiles;
  time_per_output_token?: Percentiles;
};

/** Relations with the columns of the tables `model_calls` and `model_sketch`. */
export interface ModelRelations {
  modelCalls: string;
  modelSketches: string;
}

const TIMES = ["time_to_first_token", "time_per_output_token"] as const;
const MICROSECONDS = 1_000;

/**
 * Asks for calls to language models.
 * @param select a query of columns, with the names of the rows, over a relation
 * @returns by `keyOf`
 */
export async function modelTraffic(
  connection: Connection,
  select: (columns: string[], relation: string) => string,
  names: string[],
  { modelCalls, modelSketches }: ModelRelations,
): Promise<Map<string, ModelTraffic>> {
  const rows = new Map<string, ModelTraffic>();
  const sums = MODEL_SUMS.map((name) => `sum(${name})::DOUBLE AS ${name}`);
  for (const row of await connection.rows<Key & { currency: string } & Record<ModelSum, number | null>>(
    `${select(["currency", ...sums], modelCalls)} ORDER BY currency`,
  )) {
    if (row.calls === null) continue;
    const key = keyOf(row, names);
    const models = rows.get(key) ?? none();
    rows.set(key, models);
    for (const name of COUNTED) models[name] += row[name] ?? 0;
    if (row.currency !== "") models.costs[row.currency] = row.cost_micros ?? 0;
  }
  if (rows.size > 0)
    for (const name of TIMES) {
      const counts = select(
        ["bucket", "sum(calls)::DOUBLE AS n"],
        `(FROM ${modelSketches} WHERE kind = '${name}_us')`,
      );
      for (const row of await connection.rows<Key & Record<Quantile, number>>(quantilesOf(counts, names))) {
        const models = rows.get(keyOf(row, names));
        if (models) models[name] = percentiles(row);
      }
    }
  return rows;
}

function none(): ModelTraffic {
  const counts = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<
    (typeof COUNTED)[number],
    number
  >;
  return { ...counts, costs: {} };
}

function percentiles(row: Record<Quantile, number>): Percentiles {
  const values = Object.keys(QUANTILES).map((name) => [
    name,
    bucketValue(row[name as Quantile]) / MICROSECONDS,
  ]);
  return Object.fromEntries(values) as Percentiles;
}
