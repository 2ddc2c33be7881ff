import { mkdir, open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { quote } from "../fields.ts";
import type { Connection } from "./database.ts";

export interface ParquetFile {
  /** Relative to the folder of the store. */
  path: string;
  /** Milliseconds since the epoch. */
  hour: number;
  /** 0: a batch as it was committed; each merge adds one. */
  level: number;
  rowCount: number;
  bytes: number;
  firstSeq: number;
  lastSeq: number;
  firstTime: number;
  lastTime: number;
}

export type FileRows = Pick<ParquetFile, "rowCount" | "firstTime" | "lastTime">;

/** `FileRows` as columns of a query over log lines. */
export const FILE_ROWS = `count(*)::DOUBLE AS "rowCount", epoch_ms(min(start_time))::DOUBLE AS "firstTime",
  epoch_ms(max(start_time))::DOUBLE AS "lastTime"`;

/**
 * Where the lines of an hour with these sequence numbers are kept; the same lines get the same name again.
 */
function parquetPath(hour: number, firstSeq: number, lastSeq: number): string {
  const folder = new Date(hour).toISOString().slice(0, 13);
  return join("logs", folder, `${firstSeq}-${lastSeq}.parquet`);
}

/**
 * Writes the rows of a query, which has the columns seq and start_time, to a file that is whole and on disk
 * when this resolves.
 * @param known of these rows; without it the file is asked
 */
export async function writeParquet(
  connection: Connection,
  folder: string,
  query: string,
  { hour, level, firstSeq, lastSeq }: Pick<ParquetFile, "hour" | "level" | "firstSeq" | "lastSeq">,
  known?: FileRows,
): Promise<ParquetFile> {
  const path = parquetPath(hour, firstSeq, lastSeq);
  const final = join(folder, path);
  const unfinished = `${final}.tmp`;
  await mkdir(dirname(final), { recursive: true });
  await connection.run(
    `COPY (${query}) TO ${quote(unfinished)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480)`,
  );
  const handle = await open(unfinished, "r+");
  try {
    await handle.datasync();
    const { size } = await handle.stat();
    await rename(unfinished, final);
    await syncFolder(dirname(final));
    const rows =
      known ?? (await connection.row<FileRows>(`SELECT ${FILE_ROWS} FROM read_parquet(${quote(final)})`));
    return { path, hour, level, bytes: size, firstSeq, lastSeq, ...rows };
  } finally {
    await handle.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function listFile(connection: Connection, file: ParquetFile): Promise<void> {
  await connection.run(
    `INSERT INTO files VALUES ($path, epoch_ms($hour::BIGINT), $level, $rowCount, $bytes, $firstSeq, $lastSeq,
      epoch_ms($firstTime::BIGINT), epoch_ms($lastTime::BIGINT))`,
    { ...file },
  );
}
