import type { Group } from "../fields.ts";

export const QUANTILES = { p50: 0.5, p90: 0.9, p99: 0.99 };
export type Quantile = keyof typeof QUANTILES;

/** What tells a row from others: its names, and `start` where there are steps of time. */
export type Key = Partial<Record<Group | "start", string | number>>;

/** The same text for the same names of a row. */
export function keyOf(row: Key, names: string[]): string {
  return JSON.stringify(names.map((name) => row[name as keyof Key]));
}

/**
 * The buckets of the quantiles: those in which the count of values up to there first exceeds q (n - 1).
 * @param counts a query with the columns `names`, `bucket` and `n`
 */
export function quantilesOf(counts: string, names: string[]): string {
  const partition = names.length > 0 ? `PARTITION BY ${names.join(", ")}` : "";
  const quantiles = Object.entries(QUANTILES).map(
    ([name, q]) => `min(bucket) FILTER (up_to > ${q} * (total - 1))::DOUBLE AS ${name}`,
  );
  return `SELECT ${[...names, ...quantiles].join(", ")} FROM (
    SELECT *, sum(n) OVER (${partition} ORDER BY bucket) AS up_to, sum(n) OVER (${partition}) AS total FROM (${counts})
  ) GROUP BY ALL`;
}
