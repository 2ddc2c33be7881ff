import { glob } from "node:fs/promises";
import { DuckDBInstance } from "@duckdb/node-api";
import { FIELD_NAMES, type Group, quote, readLines } from "./fields.ts";
import { conditionOf } from "./query/conditions.ts";
import type { LineQuery } from "./query/line-query.ts";
import { relationsOf } from "./query/line-traffic.ts";
import { COLUMNS, type LogLine, toLine } from "./query/logs.ts";
import type { Range } from "./query/parameters.ts";
import type { Relations } from "./query/traffic.ts";
import { Connection } from "./store/database.ts";
import { NO_LINES } from "./store/line-files.ts";

/** Log files that are read without a collector; also compressed ones, and folders of Parquet files. */
export class OfflineLogs {
  readonly connection: Connection;
  private constructor(connection: Connection) {
    this.connection = connection;
  }

  /** @throws Error when there is no such file */
  static async open(globs: string[]): Promise<OfflineLogs> {
    const paths: string[] = [];
    for (const pattern of globs) {
      const before = paths.length;
      for await (const path of glob(pattern)) paths.push(path);
      if (paths.length === before) throw new Error(`${pattern}: there is no such file`);
    }
    const connection = new Connection(await (await DuckDBInstance.create(":memory:")).connect());
    const parts = paths.map((path) =>
      path.endsWith(".parquet")
        ? `SELECT ${FIELD_NAMES.join(", ")} FROM (FROM ${NO_LINES} UNION ALL BY NAME FROM read_parquet(${quote(path)}))`
        : `FROM ${readLines(path, "auto_detect")}`,
    );
    await connection.run(
      `CREATE VIEW lines AS FROM (${parts.join(" UNION ALL ")}) WHERE start_time IS NOT NULL
       QUALIFY coalesce(request_id, '') = '' OR row_number() OVER (PARTITION BY request_id, start_time, hostname) = 1`,
    );
    return new OfflineLogs(connection);
  }

  /**
   * When the first request began and the last one, in milliseconds since the epoch; `to` is not part of it.
   */
  async range(): Promise<Range> {
    const { from, to } = await this.connection.row<{ from: number | null; to: number | null }>(
      `SELECT epoch_ms(min(start_time))::DOUBLE AS "from", epoch_ms(max(start_time))::DOUBLE + 1 AS "to" FROM lines`,
    );
    return { from: from ?? 0, to: to ?? 1 };
  }

  /** Traffic as the store has it, computed from those of the lines that a query has conditions for. */
  relations({ filters, conditions }: LineQuery, by: readonly Group[]): Relations {
    const where = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
    return relationsOf(`(FROM lines${where})`, { by, filters });
  }

  /** How many lines a range has. */
  async count({ filters, conditions }: LineQuery, range: Range): Promise<number> {
    const where = [conditionOf(filters, range, "start_time"), ...conditions].join(" AND ");
    const { n } = await this.connection.row<{ n: number }>(
      `SELECT count(*)::DOUBLE AS n FROM lines WHERE ${where}`,
    );
    return n;
  }

  /** The newest lines of a range, oldest first. */
  async logs({ filters, conditions }: LineQuery, range: Range, limit: number): Promise<LogLine[]> {
    const where = [conditionOf(filters, range, "start_time"), ...conditions].join(" AND ");
    const rows = await this.connection.rows<LogLine>(
      `SELECT ${COLUMNS} FROM (FROM lines WHERE ${where} ORDER BY start_time DESC LIMIT ${limit}) AS lines ORDER BY lines.start_time`,
    );
    return rows.map(toLine);
  }
}
