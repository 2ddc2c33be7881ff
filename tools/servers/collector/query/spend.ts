import type { Group } from "../fields.ts";
import type { Connection } from "../store/database.ts";
import { PAYERS } from "../store/model-calls.ts";
import { conditionOf } from "./conditions.ts";
import { type ModelTraffic, modelTraffic } from "./model-traffic.ts";
import {
  badParameter,
  type Filters,
  filtersOf,
  groupsOf,
  type Range,
  rangeOf,
  stepOf,
} from "./parameters.ts";
import { alignedRange } from "./traffic.ts";

const HOUR_SECONDS = 3_600;
/** Most rows of one answer. */
const MAX_ROWS = 100_000;

/** What calls to language models took, of one payer in one step. */
type SpendRow = Partial<Record<Group, string>> & ModelTraffic & { time?: string };

export interface Spend {
  /** Whole hours. */
  from: string;
  to: string;
  step: number;
  rows: SpendRow[];
}

interface SpendQuery {
  range: Range;
  filters: Filters & { credential?: string[] };
  by: Group[];
  /** Seconds: whole hours, or 0 for the whole range in one. */
  step: number;
}

/** @throws HttpError 400 */
export function spendQueryOf(parameters: URLSearchParams): SpendQuery {
  const by = groupsOf(parameters);
  const other = by.find((name) => !PAYERS.includes(name));
  if (other !== undefined) throw badParameter("by", `of ${PAYERS.join(", ")}`);
  const step = stepOf(new URLSearchParams({ step: parameters.get("step") ?? "0" }), HOUR_SECONDS);
  const credential = parameters.getAll("credential");
  const filters = { ...filtersOf(parameters), ...(credential.length > 0 && { credential }) };
  return { range: rangeOf(parameters), filters, by, step };
}

/** Tokens and money by the hour, kept as long as traffic is: longer than lines. */
export function querySpend(connection: Connection, query: SpendQuery): Promise<Spend> {
  return connection.transaction(() => inSnapshot(connection, query));
}

async function inSnapshot(connection: Connection, { range, filters, by, step }: SpendQuery): Promise<Spend> {
  const hours = alignedRange(range, step || HOUR_SECONDS);
  const names = [...(step === 0 ? [] : ["start"]), ...by];
  const start = step === 0 ? [] : [`(epoch_ms(time) // ${step * 1_000} * ${step * 1_000})::DOUBLE AS start`];
  const condition = conditionOf(filters, hours, "time");
  const select = (columns: string[], relation: string) =>
    `SELECT ${[...start, ...by, ...columns].join(", ")} FROM ${relation} WHERE ${condition} GROUP BY ALL`;
  const found = await modelTraffic(connection, select, names, {
    modelCalls: "spend",
    modelSketches: "spend_sketch",
  });
  if (found.size > MAX_ROWS)
    throw badParameter("step", `larger, or by fewer: these are more than ${MAX_ROWS} rows`);
  const time = (milliseconds: number) => new Date(milliseconds).toISOString();
  const rows = [...found].map(([key, models]) => {
    const { start: began, ...named } = Object.fromEntries(
      (JSON.parse(key) as (string | number)[]).map((value, at) => [names[at], value]),
    );
    return { ...(began !== undefined && { time: time(Number(began)) }), ...named, ...models } as SpendRow;
  });
  return { from: time(hours.from), to: time(hours.to), step, rows };
}
