import { z } from "zod";
import { FIELD_NAMES, FIELDS } from "../fields.ts";
import type { Connection } from "../store/database.ts";
import type { LineFiles } from "../store/line-files.ts";
import { conditionOf, oneOf, timestamp } from "./conditions.ts";
import type { LineQuery } from "./line-query.ts";
import type { Range } from "./parameters.ts";

/** Microseconds by stage. */
const Phases = z.record(z.string(), z.number());

/** One log line as an object; what is absent was empty. */
export type LogLine = Record<string, unknown>;

const WHOLE_NUMBERS = new Set<string>(FIELD_NAMES.filter((name) => FIELDS[name] === "BIGINT"));

/**
 * The fields as they are answered: times as RFC 3339, numbers as numbers of JSON. Of a relation with the name
 * `lines`.
 */
export const COLUMNS = FIELD_NAMES.map((name) => {
  if (name === "start_time") return `strftime(lines.start_time, '%Y-%m-%dT%H:%M:%S.%gZ') AS start_time`;
  return WHOLE_NUMBERS.has(name) ? `${name}::DOUBLE AS ${name}` : name;
}).join(", ");

/** The newest lines of a range, oldest first. */
export async function queryLogs(
  connection: Connection,
  files: LineFiles,
  query: LineQuery,
  range: Range,
  limit: number,
): Promise<LogLine[]> {
  const where = whereOf(query, range);
  const rows = await files.read(
    connection,
    ofRange(range),
    // First which ones, by two narrow columns: whole lines would not fit the memory to be sorted in.
    (relation) =>
      connection.rows<LogLine>(
        `SELECT ${COLUMNS} FROM ${relation} AS lines
         WHERE seq IN (SELECT seq FROM ${relation} WHERE ${where} ORDER BY start_time DESC, seq DESC LIMIT ${limit})
         ORDER BY lines.start_time, seq`,
      ),
  );
  return (rows ?? []).map(toLine);
}

/** How many lines there are in a range. */
export async function countLogs(
  connection: Connection,
  files: LineFiles,
  query: LineQuery,
  range: Range,
): Promise<number> {
  const count = await files.read(connection, ofRange(range), (relation) =>
    connection.row<{ n: number }>(
      `SELECT count(*)::DOUBLE AS n FROM ${relation} WHERE ${whereOf(query, range)}`,
    ),
  );
  return count?.n ?? 0;
}

function whereOf({ filters, conditions }: LineQuery, range: Range): string {
  return [conditionOf(filters, range, "start_time"), ...conditions].join(" AND ");
}

/** Which files may hold lines of a range. */
export function ofRange({ from, to }: Range): string {
  return `last_time >= ${timestamp(from)} AND first_time < ${timestamp(to)}`;
}

interface Page {
  lines: LogLine[];
  /** Sequence numbers of the lines. */
  seqs: number[];
  /** Where to go on. */
  next: number;
  /** Lines between `from` and the first of the page that are gone: retention was faster than the reader. */
  missed: number;
}

/**
 * The lines with sequence numbers from `from` on, in the order in which they were committed.
 * @param window how many sequence numbers are looked at, fewer when their lines don't fit into DuckDB's
 * memory
 */
export async function linesFrom(
  connection: Connection,
  files: LineFiles,
  from: number,
  window: number,
  query?: LineQuery,
): Promise<Page> {
  for (let size = window; ; size = Math.ceil(size / 8)) {
    try {
      return await linesWithin(connection, files, from, size, query);
    } catch (error) {
      if (size === 1 || !String(error).includes("Out of Memory")) throw error;
    }
  }
}

async function linesWithin(
  connection: Connection,
  files: LineFiles,
  from: number,
  window: number,
  query?: LineQuery,
): Promise<Page> {
  const { first, last } = await connection.row<{ first: number | null; last: number | null }>(
    `SELECT min(first_seq)::DOUBLE AS first, max(last_seq)::DOUBLE AS last FROM files WHERE last_seq >= ${from}`,
  );
  if (first === null || last === null) return { lines: [], seqs: [], next: from, missed: 0 };
  const start = Math.max(from, first);
  const end = Math.min(start + window, last + 1);
  const where = [`seq >= ${start}`, `seq < ${end}`, ...(query?.conditions ?? [])];
  for (const [name, values] of Object.entries(query?.filters ?? {})) where.push(oneOf(name, values));
  const found = await files.read(connection, `last_seq >= ${start} AND first_seq < ${end}`, (relation) =>
    connection.rows<LogLine & { seq: number }>(
      `SELECT seq::DOUBLE AS seq, ${COLUMNS} FROM ${relation} AS lines WHERE ${where.join(" AND ")} ORDER BY lines.seq`,
    ),
  );
  const rows = found ?? [];
  return {
    lines: rows.map(({ seq, ...row }) => toLine(row)),
    seqs: rows.map(({ seq }) => seq),
    next: end,
    missed: start - from,
  };
}

/** Leaves out what is empty, and phases that are none. */
export function toLine(row: LogLine): LogLine {
  const line: LogLine = {};
  for (const [name, stored] of Object.entries(row)) {
    const value = name === "phases" ? phasesOf(stored as string | null) : stored;
    if (value !== undefined && value !== null && value !== "") line[name] = value;
  }
  return line;
}

/** DuckDB takes for JSON what is none, such as NaN, and what is nested deeper than JSON.stringify goes. */
function phasesOf(stored: string | null): Record<string, number> | undefined {
  try {
    const { success, data } = Phases.safeParse(JSON.parse(stored ?? "null"));
    return success ? data : undefined;
  } catch {
    return undefined;
  }
}
