import { rm } from "node:fs/promises";
import { readLines } from "../fields.ts";
import { latencyOf, trafficOf } from "./aggregate.ts";
import type { Batch, Committed, Counts } from "./batch.ts";
import type { Connection } from "./database.ts";
import { addModelCalls, sumModelCalls } from "./model-tables.ts";
import { FILE_ROWS, type FileRows, listFile, type ParquetFile, writeParquet } from "./parquet.ts";
import { Rejects } from "./rejects.ts";
import { salvage } from "./salvage.ts";
import { UnseenTraffic } from "./unseen-traffic.ts";

/** Lines that duplicates are looked for in: the newest, between this many and twice as many. */
const REMEMBERED_LINES = 2_000_000;
const HOUR_MS = 3_600_000;
/** How far ahead of this machine's clock a line may be. */
const AHEAD_MS = HOUR_MS;
/**
 * The same request is the same line only if it began at the same moment in the same pod: clients may send one
 * id with many requests.
 */
const LINE_HASH = "CASE WHEN request_id <> '' THEN hash(request_id, start_time, hostname) END AS h";

const UNUSABLE =
  "start_time IS NULL OR start_time NOT BETWEEN epoch_ms($oldest::BIGINT) AND epoch_ms($newest::BIGINT)";

/** When lines may have begun, in milliseconds since 1970. */
interface Times {
  oldest: number;
  newest: number;
}

interface Look {
  lines: number;
  unusable: number;
  /** Whether no line is there twice, or was there before. */
  isFresh: boolean;
}

interface CommitOptions {
  folder: string;
  /** Older lines are refused: retention would drop them at once. Milliseconds. */
  keepMs: number;
}

/**
 * Brings batches into the store, one at a time. The lines go to Parquet files first; then one transaction
 * lists these files, counts the lines, remembers their ids and moves the offsets. A crash before its end
 * leaves files that nobody lists, and the same batch comes again.
 */
export class Committer {
  private readonly connection: Connection;
  private readonly options: CommitOptions;
  /** The traffic of this process that nobody has taken yet. */
  readonly unseen: UnseenTraffic;
  private nextSeq = 1;
  private remembered = 0;
  /** The batch that was just committed has calls to language models. */
  private hasModelCalls = false;

  private constructor(connection: Connection, options: CommitOptions) {
    this.connection = connection;
    this.options = options;
    this.unseen = new UnseenTraffic(connection);
  }

  static async open(connection: Connection, options: CommitOptions): Promise<Committer> {
    const committer = new Committer(connection, options);
    const { next, remembered } = await connection.row<{ next: number; remembered: number }>(
      "SELECT value::DOUBLE AS next, (SELECT count(*) FROM seen)::DOUBLE AS remembered FROM totals WHERE name = 'next_seq'",
    );
    committer.nextSeq = next;
    committer.remembered = remembered;
    return committer;
  }

  /** The batch is counted once when this resolves; when it throws, not at all. */
  async commit(batch: Batch): Promise<Committed> {
    const { connection } = this;
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE batch AS SELECT *, ${LINE_HASH} FROM ${readLines(batch.path)}`,
    );
    const rejects = new Rejects();
    rejects.count("too_long", batch.tooLong);
    const times = { oldest: Date.now() - this.options.keepMs, newest: Date.now() + AHEAD_MS };
    const read = await this.look(times);
    const usable = read.unusable === 0 ? read : await this.replaceUnusable(batch.path, times, rejects);
    const accepted = usable.isFresh ? usable.lines : await this.removeDuplicates();
    const result = {
      ...{ accepted, duplicates: usable.lines - accepted },
      rejected: read.lines - usable.lines + batch.tooLong,
    };
    const files = accepted > 0 ? await this.writeFiles() : [];
    const nextSeq = Math.max(this.nextSeq, ...files.map(({ lastSeq }) => lastSeq + 1));
    await connection.run(`CREATE OR REPLACE TEMP TABLE batch_traffic AS ${trafficOf("batch")}`);
    await connection.run(`CREATE OR REPLACE TEMP TABLE batch_latency AS ${latencyOf("batch")}`);
    const hasModelCalls = await sumModelCalls(connection);
    await connection.transaction(async () => {
      for (const file of files) await listFile(connection, file);
      await connection.run("INSERT INTO seen SELECT h FROM batch WHERE h IS NOT NULL");
      await connection.run("INSERT INTO traffic_recent SELECT * FROM batch_traffic");
      await connection.run("INSERT INTO latency_recent SELECT * FROM batch_latency");
      if (hasModelCalls) await addModelCalls(connection);
      await this.moveOffsets(batch);
      await this.setTotals({ ...result, nextSeq });
    });
    this.nextSeq = nextSeq;
    this.hasModelCalls = hasModelCalls;
    this.remembered += accepted;
    const { reasons, samples } = rejects;
    return { ...result, reasons, samples, newestTime: Math.max(0, ...files.map(({ lastTime }) => lastTime)) };
  }

  /**
   * What is to be done after a commit, and apart from it: if this fails, the batch is stored nevertheless.
   */
  async settle(): Promise<void> {
    await this.unseen.add(this.hasModelCalls);
    if (this.remembered >= REMEMBERED_LINES) await this.forgetOldest();
  }

  /** All there is to know of a batch as most are, in one query: what a query costs here is its planning. */
  private async look(times: Times): Promise<Look> {
    return this.connection.row(
      `SELECT count(*)::DOUBLE AS lines, count(*) FILTER (${UNUSABLE})::DOUBLE AS unusable,
         count(h) = count(DISTINCT h) AND NOT EXISTS (FROM batch SEMI JOIN seen USING (h))
           AND NOT EXISTS (FROM batch SEMI JOIN seen_before USING (h)) AS "isFresh" FROM batch`,
      { ...times },
    );
  }

  /** Takes lines that are no log lines out of the batch, and brings those back that could be mended. */
  private async replaceUnusable(path: string, times: Times, rejects: Rejects): Promise<Look> {
    const { connection } = this;
    const mendedPath = `${path}.mended`;
    const numbers = connection.stream<{ n: number }>(
      `SELECT rowid::DOUBLE AS n FROM batch WHERE ${UNUSABLE} ORDER BY rowid`,
      { ...times },
    );
    const mended = await salvage(path, each(numbers), times, mendedPath, rejects);
    await connection.run(`DELETE FROM batch WHERE ${UNUSABLE}`, { ...times });
    if (mended > 0)
      await connection.run(
        `INSERT INTO batch SELECT *, ${LINE_HASH} FROM ${readLines(mendedPath)} WHERE start_time IS NOT NULL`,
      );
    await rm(mendedPath);
    return this.look(times);
  }

  /** @returns how many lines are left */
  private async removeDuplicates(): Promise<number> {
    const { connection } = this;
    await connection.run(`DELETE FROM batch WHERE rowid IN (
      SELECT rowid FROM (SELECT rowid, h, row_number() OVER (PARTITION BY h ORDER BY rowid) AS nth FROM batch WHERE h IS NOT NULL)
      WHERE nth > 1 OR h IN (FROM seen) OR h IN (FROM seen_before))`);
    return (await connection.row<{ n: number }>("SELECT count(*)::DOUBLE AS n FROM batch")).n;
  }

  /** One file for each hour that the lines of the batch began in. */
  private async writeFiles(): Promise<ParquetFile[]> {
    const { connection, options, nextSeq } = this;
    const HOUR = "date_trunc('hour', start_time)";
    const hours = await connection.rows<FileRows & { hour: number; first: number; last: number }>(
      `SELECT epoch_ms(${HOUR})::DOUBLE AS hour, min(rowid)::DOUBLE AS first, max(rowid)::DOUBLE AS last, ${FILE_ROWS}
       FROM batch GROUP BY 1 ORDER BY 1`,
    );
    const files: ParquetFile[] = [];
    for (const { hour, first, last, ...rows } of hours) {
      const ofHour = hours.length > 1 ? `WHERE ${HOUR} = epoch_ms(${hour})` : "";
      files.push(
        await writeParquet(
          connection,
          options.folder,
          `SELECT rowid + ${nextSeq} AS seq, * EXCLUDE h FROM batch ${ofHour}`,
          { hour, level: 0, firstSeq: nextSeq + first, lastSeq: nextSeq + last },
          rows,
        ),
      );
    }
    return files;
  }

  private async moveOffsets({ offsets, ended }: Batch): Promise<void> {
    for (const source of [...offsets.map((offset) => offset.source), ...ended])
      await this.connection.run("DELETE FROM offsets WHERE source = $source", { source });
    for (const offset of offsets)
      await this.connection.run(
        "INSERT INTO offsets VALUES ($source, $path, $position, $headBytes, $head, now()::TIMESTAMP)",
        { ...offset },
      );
  }

  private async setTotals(totals: Counts & { nextSeq: number }): Promise<void> {
    await this.connection.run(
      `UPDATE totals SET value = CASE name WHEN 'accepted' THEN value + $accepted WHEN 'rejected' THEN value + $rejected
         WHEN 'duplicates' THEN value + $duplicates WHEN 'next_seq' THEN $nextSeq ELSE value END`,
      { ...totals },
    );
  }

  /** Forgets the older half of what duplicates are looked for in. */
  private async forgetOldest(): Promise<void> {
    const { connection } = this;
    await connection.transaction(async () => {
      await connection.run("DROP TABLE seen_before");
      await connection.run("ALTER TABLE seen RENAME TO seen_before");
      await connection.run("CREATE TABLE seen (h UBIGINT NOT NULL)");
    });
    this.remembered = 0;
  }
}

async function* each(pages: AsyncIterable<{ n: number }[]>): AsyncGenerator<number> {
  for await (const page of pages) for (const { n } of page) yield n;
}
