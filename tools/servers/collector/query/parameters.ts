import { HttpError } from "../../http/http.ts";
import { DIMENSIONS, type Dimension, GROUPS, type Group } from "../fields.ts";
import { parseDuration, parseTime } from "./time.ts";

export interface Range {
  /** Milliseconds since the epoch; `to` is not part of it. */
  from: number;
  to: number;
}

/** What the rows must have, one of the texts for each dimension that is here. */
export type Filters = Partial<Record<Dimension, string[]>>;

export function badParameter(name: string, expected: string): HttpError {
  return new HttpError(400, "bad_parameter", `${name}: must be ${expected}`);
}

/** `from` and `to`, by default the last 15 minutes. @throws HttpError 400 */
export function rangeOf(parameters: URLSearchParams, now = Date.now()): Range {
  const time = (name: string, standard: string) => {
    const value = parseTime(parameters.get(name) ?? standard, now);
    if (value === undefined)
      throw badParameter(name, 'a time, such as 2026-11-25T10:00:00Z, or how long ago: "15m"');
    return value;
  };
  const range = { from: time("from", "15m"), to: time("to", "now") };
  if (range.from >= range.to) throw badParameter("from", "before to");
  return range;
}

/** @throws HttpError 400 */
export function filtersOf(parameters: URLSearchParams): Filters {
  const filters: Filters = {};
  for (const name of DIMENSIONS) {
    const values = parameters.getAll(name);
    if (values.length > 0) filters[name] = values;
  }
  return filters;
}

export function isDimension(group: Group): group is Dimension {
  return (DIMENSIONS as readonly Group[]).includes(group);
}

/** What rows are told apart by; `task` is short for `taskid`. @throws HttpError 400 */
export function groupsOf(parameters: URLSearchParams): Group[] {
  const text = parameters.get("by");
  if (text === null) return [...DIMENSIONS];
  const names = text.split(",").filter(Boolean);
  const groups = names.map((name) => (name === "task" ? "taskid" : name));
  for (const name of groups)
    if (!(GROUPS as readonly string[]).includes(name)) throw badParameter("by", `of ${GROUPS.join(", ")}`);
  return GROUPS.filter((name) => groups.includes(name));
}

/** Seconds. */
const LONGEST_STEP = 366 * 86_400;

/** `step` in seconds; 0 is the whole range in one. @throws HttpError 400 */
export function stepOf(parameters: URLSearchParams, finest: number): number {
  const text = parameters.get("step") ?? "60s";
  const seconds = text === "0" ? 0 : (parseDuration(text) ?? Number.NaN) / 1_000;
  if (seconds === 0 || (seconds > 0 && seconds <= LONGEST_STEP && seconds % finest === 0)) return seconds;
  throw badParameter("step", `a multiple of ${finest}s up to 366d, or 0`);
}

/** @throws HttpError 400 */
export function numberOf(parameters: URLSearchParams, name: string): number | undefined {
  const text = parameters.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (text === "" || !Number.isFinite(value) || value < 0) throw badParameter(name, "a number");
  return value;
}
