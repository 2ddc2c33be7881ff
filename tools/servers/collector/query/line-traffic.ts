import type { Group } from "../fields.ts";
import { latencyOf, RECENT_MS, trafficOf } from "../store/aggregate.ts";
import type { Connection } from "../store/database.ts";
import { type LineFiles, NO_LINES } from "../store/line-files.ts";
import { modelCallsOf, modelSketchesOf } from "../store/model-calls.ts";
import { conditionOf } from "./conditions.ts";
import type { LineQuery } from "./line-query.ts";
import { ofRange } from "./logs.ts";
import { type Filters, isDimension, type Range } from "./parameters.ts";
import { alignedRange, type Relations, STORED } from "./traffic.ts";

const MINUTE_MS = 60_000;

interface Question {
  range: Range;
  /** Seconds; 0: all in one. */
  step: number;
  filters: Filters;
  by: readonly Group[];
}

/**
 * Asks for traffic where it is counted as finely as the question wants. The store counts series, by the
 * minute but for the last ten; by credential, status and the like, or by ten seconds of long ago, the lines
 * themselves are counted, as long as they are kept.
 */
export async function withRelations<T>(
  connection: Connection,
  files: LineFiles,
  question: Question,
  { conditions }: LineQuery,
  work: (relations: Relations) => Promise<T>,
): Promise<T> {
  const range = alignedRange(question.range, question.step);
  const ofLines = conditions.length > 0 || !question.by.every(isDimension);
  if (!ofLines && !(isFine(range, question.step) && (await isKept(connection, range)))) return work(STORED);
  const where = [conditionOf(question.filters, range, "start_time"), ...conditions].join(" AND ");
  const ask = (lines: string) => work(relationsOf(`(SELECT * FROM ${lines} WHERE ${where})`, question));
  const found = await files.read(connection, ofRange(range), async (relation) => ({
    answer: await ask(relation),
  }));
  return found === undefined ? ask(NO_LINES) : found.answer;
}

/** Traffic as the store has it, and with the columns that a question needs, computed from lines. */
export function relationsOf(lines: string, { by, filters }: Pick<Question, "by" | "filters">): Relations {
  const groups = [...new Set([...by, ...(Object.keys(filters) as Group[])])];
  return {
    traffic: `(${trafficOf(lines, groups)})`,
    latency: `(${latencyOf(lines, groups)})`,
    modelCalls: `(${modelCallsOf(lines, groups)})`,
    modelSketches: `(${modelSketchesOf(lines, groups)})`,
  };
}

/** Whether the store has summed up what the question tells apart. */
function isFine({ from, to }: Range, step: number, now = Date.now()): boolean {
  const byMinutes = step % 60 === 0 && (step > 0 || (from % MINUTE_MS === 0 && to % MINUTE_MS === 0));
  return !byMinutes && from < now - RECENT_MS;
}

async function isKept(connection: Connection, { from }: Range): Promise<boolean> {
  const { first } = await connection.row<{ first: number | null }>(
    'SELECT epoch_ms(min(first_time))::DOUBLE AS "first" FROM files',
  );
  return first !== null && first <= from;
}
