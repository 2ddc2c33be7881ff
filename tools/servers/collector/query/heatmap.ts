import { GAMMA } from "../sketch.ts";
import type { Connection } from "../store/database.ts";
import { conditionOf } from "./conditions.ts";
import { badParameter, type Filters, type Range } from "./parameters.ts";
import { alignedRange, type Relations, STORED } from "./traffic.ts";

export interface Heatmap {
  step: number;
  /** Upper bounds of the bands, in milliseconds, ascending. */
  buckets: number[];
  rows: {
    time: string;
    /** Requests in each band. */
    counts: number[];
  }[];
}

/** Most rows of one answer. */
const MAX_ROWS = 10_000;
/** So many buckets of the sketch are one band: a factor of 1.38. */
const BAND = 16;

/**
 * Latencies over time, in bands of equal width on a logarithmic scale. The first band has all under a
 * millisecond.
 */
export async function queryHeatmap(
  connection: Connection,
  query: { range: Range; filters: Filters; step: number },
  relations: Relations = STORED,
): Promise<Heatmap> {
  const { filters, step } = query;
  const range = alignedRange(query.range, step);
  const width = (step || (range.to - range.from) / 1_000) * 1_000;
  if ((range.to - range.from) / width > MAX_ROWS)
    throw badParameter("step", `larger: these are more than ${MAX_ROWS} rows`);
  const cells = await connection.rows<{ start: number; band: number; n: number }>(
    `SELECT (${range.from} + (epoch_ms(time) - ${range.from}) // ${width} * ${width})::DOUBLE AS start,
       CASE WHEN bucket <= 0 THEN 0 ELSE (bucket - 1) // ${BAND} + 1 END::DOUBLE AS band, sum(requests)::DOUBLE AS n
     FROM ${relations.latency} WHERE ${conditionOf(filters, range, "time")} GROUP BY ALL ORDER BY start`,
  );
  const bands = Math.max(0, ...cells.map(({ band }) => band + 1));
  const byTime = Map.groupBy(cells, ({ start }) => start);
  return {
    step,
    buckets: Array.from({ length: bands }, (_, band) => GAMMA ** (band * BAND)),
    rows: [...byTime].map(([start, row]) => {
      const counts = new Array<number>(bands).fill(0);
      for (const { band, n } of row) counts[band] = n;
      return { time: new Date(start).toISOString(), counts };
    }),
  };
}
