import { DIMENSIONS } from "../fields.ts";
import type { Connection } from "../store/database.ts";
import { conditionOf } from "./conditions.ts";
import type { Filters, Range } from "./parameters.ts";
import { STORED } from "./traffic.ts";

/** What had traffic in a range. */
export async function queryNames(
  connection: Connection,
  range: Range,
  filters: Filters,
): Promise<Record<string, string[]>> {
  const names: Record<string, string[]> = {};
  for (const dimension of DIMENSIONS) {
    const rows = await connection.rows<{ name: string }>(
      `SELECT DISTINCT ${dimension} AS name FROM ${STORED.traffic} WHERE ${conditionOf(filters, range, "time")} AND ${dimension} <> '' ORDER BY 1`,
    );
    names[`${dimension}s`] = rows.map(({ name }) => name);
  }
  return names;
}
