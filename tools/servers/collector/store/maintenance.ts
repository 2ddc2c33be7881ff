import { readdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Logger } from "pino";
import { DIMENSIONS } from "../fields.ts";
import { RECENT_MS, SUMS } from "./aggregate.ts";
import type { Connection } from "./database.ts";
import type { LineFiles } from "./line-files.ts";
import { MODEL_TABLES } from "./model-calls.ts";
import { rollUpModelCalls } from "./model-tables.ts";
import { listFile, type ParquetFile, writeParquet } from "./parquet.ts";

/** So many files of a level are merged into one of the next. */
const MERGE_FILES = 16;
/** Larger files aren't merged any more. */
const LARGE_BYTES = 64 << 20;
/** An hour is closed, and its files become one, so long after its end. */
const LATE_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;
/** A query may read a file that is listed no more for so long. */
const READERS_MS = 2 * 60_000;

/** How many series are kept apart by the minute; the others of a tenant and gateway go together. */
const SERIES_A_MINUTE = 5_000;
const MINUTE = "time_bucket(INTERVAL '1 minute', time)";
const SERIES = DIMENSIONS.join(", ");
const IS_SAME = DIMENSIONS.map((name) => `l.${name} = r.${name}`).join(" AND ");

interface MaintenanceOptions {
  folder: string;
  /** How long lines are kept, in milliseconds. */
  keepMs: number;
  /** How many bytes of lines are kept. */
  keepBytes: number;
  /** How long traffic by the minute and events are kept, in milliseconds. */
  keepMetricsMs: number;
  files: LineFiles;
  log: Logger;
}

/** What `parquetPath` makes, whole or not. */
const OWN_FILE = /^logs\/\d{4}-\d\d-\d\dT\d\d\/\d+-\d+\.parquet(\.tmp)?$/;

/** Merges small files, rolls traffic up, and deletes what is too old or too much. */
export class Maintenance {
  private readonly connection: Connection;
  private readonly options: MaintenanceOptions;
  /** Files that are listed no more, and when that was. */
  private readonly unlisted = new Map<string, number>();

  constructor(connection: Connection, options: MaintenanceOptions) {
    this.connection = connection;
    this.options = options;
  }

  /** Deletes files that a crash left unlisted. Before anything is committed. */
  async removeUnlisted(): Promise<void> {
    const listed = new Set((await this.files()).map(({ path }) => path));
    const folder = join(this.options.folder, "logs");
    const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of names) {
      const path = join(entry.parentPath, entry.name);
      const name = relative(this.options.folder, path);
      if (entry.isFile() && OWN_FILE.test(name) && !listed.has(name)) await rm(path);
    }
  }

  async runOnce(now = Date.now()): Promise<void> {
    await this.expire(now);
    await this.unlink(now);
    await this.rollUp(now);
    await rollUpModelCalls(this.connection, minuteBefore(now));
    // Last: what can't be merged, for want of memory, must not keep the rest from being done.
    await this.merge(now);
  }

  async files(): Promise<ParquetFile[]> {
    return this.connection.rows<ParquetFile>(
      `SELECT path, epoch_ms(hour)::DOUBLE AS hour, level::DOUBLE AS level, row_count::DOUBLE AS "rowCount", bytes::DOUBLE AS bytes,
         first_seq::DOUBLE AS "firstSeq", last_seq::DOUBLE AS "lastSeq",
         epoch_ms(first_time)::DOUBLE AS "firstTime", epoch_ms(last_time)::DOUBLE AS "lastTime" FROM files ORDER BY hour, first_seq`,
    );
  }

  private async merge(now: number): Promise<void> {
    const byHour = Map.groupBy(await this.files(), ({ hour }) => hour);
    for (const [hour, files] of byHour) {
      const small = files.filter(({ bytes }) => bytes < LARGE_BYTES);
      const isClosed = now > hour + HOUR_MS + LATE_MS;
      const groups = isClosed ? [small] : [...Map.groupBy(small, ({ level }) => level).values()];
      for (const group of groups)
        if (group.length >= (isClosed ? 2 : MERGE_FILES)) await this.mergeFiles(group);
    }
  }

  private async mergeFiles(files: ParquetFile[]): Promise<void> {
    const { connection } = this;
    const { folder } = this.options;
    const paths = files.map(({ path }) => path);
    const lines = this.options.files;
    let merged: ParquetFile;
    try {
      merged = await writeParquet(connection, folder, `FROM ${lines.relation(paths)}`, {
        hour: (files[0] as ParquetFile).hour,
        level: Math.max(...files.map(({ level }) => level)) + 1,
        firstSeq: Math.min(...files.map(({ firstSeq }) => firstSeq)),
        lastSeq: Math.max(...files.map(({ lastSeq }) => lastSeq)),
      });
    } catch (error) {
      // The next run merges the others.
      if (await lines.setAside(connection, paths, error)) return;
      throw error;
    }
    await connection.transaction(async () => {
      for (const file of files)
        await connection.run("DELETE FROM files WHERE path = $path", { path: file.path });
      await listFile(connection, merged);
    });
    for (const { path } of files) this.unlisted.set(path, Date.now());
  }

  /** Brings traffic of ten seconds into whole minutes. */
  private async rollUp(now: number): Promise<void> {
    const { connection } = this;
    const before = { before: minuteBefore(now) };
    const old = "time < epoch_ms($before::BIGINT)::TIMESTAMP";
    const sums = SUMS.map((name) => `sum(${name})::BIGINT`).join(", ");
    await connection.transaction(async () => {
      // Clients choose what task and version they name, so there may be any number of series.
      await connection.run(
        `CREATE OR REPLACE TEMP TABLE largest AS SELECT ${MINUTE} AS minute, ${SERIES} FROM traffic_recent WHERE ${old} GROUP BY minute, ${SERIES}
         QUALIFY row_number() OVER (PARTITION BY minute ORDER BY sum(requests) DESC) <= ${SERIES_A_MINUTE}`,
        before,
      );
      for (const [recent, kept, columns] of [
        ["traffic_recent", "traffic", `code, reason, ${sums}`],
        ["latency_recent", "latency", "bucket, sum(requests)::BIGINT"],
      ])
        await connection.run(
          `INSERT INTO ${kept} SELECT minute, tenant, CASE WHEN is_large THEN taskid ELSE 'other' END,
             CASE WHEN is_large THEN version ELSE 'other' END, gateway, ${columns}
           FROM (SELECT r.*, ${MINUTE} AS minute, EXISTS (FROM largest l WHERE l.minute = ${MINUTE} AND ${IS_SAME}) AS is_large
             FROM ${recent} r WHERE ${old}) GROUP BY ALL ORDER BY ALL`,
          before,
        );
      for (const table of ["traffic_recent", "latency_recent"])
        await connection.run(`DELETE FROM ${table} WHERE ${old}`, before);
    });
  }

  private async expire(now: number): Promise<void> {
    const { connection, options } = this;
    const files = (await this.files()).toSorted((a, b) => b.lastTime - a.lastTime);
    let bytes = 0;
    const expired = files.filter((file) => {
      bytes += file.bytes;
      return file.lastTime < now - options.keepMs || bytes > options.keepBytes;
    });
    await connection.transaction(async () => {
      for (const { path } of expired) await connection.run("DELETE FROM files WHERE path = $path", { path });
      for (const table of ["traffic", "latency", "events", ...MODEL_TABLES])
        await connection.run(`DELETE FROM ${table} WHERE time < epoch_ms($before::BIGINT)::TIMESTAMP`, {
          before: now - options.keepMetricsMs,
        });
    });
    for (const { path } of expired) this.unlisted.set(path, now);
    if (expired.length > 0) options.log.info({ files: expired.length }, "lines beyond retention are gone");
  }

  private async unlink(now: number): Promise<void> {
    for (const [path, since] of this.unlisted) {
      if (now - since < READERS_MS) continue;
      await rm(join(this.options.folder, path), { force: true });
      this.unlisted.delete(path);
    }
  }
}

/** Up to when traffic goes into whole minutes. */
function minuteBefore(now: number): number {
  return Math.floor((now - RECENT_MS) / 60_000) * 60_000;
}
