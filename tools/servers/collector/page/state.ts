import { durationOf } from "./range-text.ts";

/** What rows and lines are narrowed down by, as the collector's interface names it. */
export const FILTERS = ["version", "gateway", "credential", "reason", "code", "outcome"] as const;
export type Filter = (typeof FILTERS)[number];

/** What the page shows: all of it is in the URL's query, so that a link or a reload shows the same. */
export interface State extends Record<Filter, string> {
  tenant: string;
  task: string;
  /** How long before now it begins, such as 15m or 2h; not used while `from` and `to` are set. */
  range: string;
  /** Milliseconds; 0 = the range ends now. */
  from: number;
  to: number;
  /** What the table is searched for. */
  search: string;
  /** A column of the table, with "-" before it for largest first. */
  sort: string;
  /** Rows of the fleet's table. */
  rows: "task" | "tenant";
  /** Seconds between two refreshes; 0 = none. */
  refresh: number;
  /** The moment whose log lines are listed, milliseconds; 0 = those of the whole range. */
  at: number;
  /** Words that the log lines must have. */
  find: string;
  /** Which log lines are listed where no filter says so. */
  lines: "failed" | "all";
  /** Id of the request that is shown alone. */
  request: string;
  /** How much earlier what it is compared with was, in milliseconds; 0 = with nothing. */
  compare: number;
  zone: "local" | "utc";
  /** All traffic, or what there is of language models alone. */
  view: "traffic" | "models";
}

/** Ranges to choose from. */
export const RANGES: Record<string, string> = {
  "15m": "15 minutes",
  "1h": "1 hour",
  "6h": "6 hours",
  "24h": "24 hours",
  "7d": "7 days",
};
export const REFRESHES = [0, 10, 30, 60];
const SECOND = 1_000;
const MINUTE = 60_000;
const MOST_STEPS = 100;
/** In seconds. The store counts ten seconds at the finest. */
const STEPS = [10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400];
/** Live ranges from here on are told by the minute. */
const BY_MINUTES_FROM = 15 * MINUTE;
const LONGEST = 366 * 86_400_000;
/** Within what the collector takes for times. */
const FIRST_TIME = 1;
const LAST_TIME = Date.parse("9999-12-30T00:00:00Z");

const DEFAULTS: State = {
  ...{ tenant: "", task: "", version: "", gateway: "", credential: "", reason: "", code: "", outcome: "" },
  ...{ range: "1h", from: 0, to: 0, search: "", sort: "-requests", rows: "task", refresh: 10 },
  ...{ at: 0, find: "", lines: "failed", request: "", compare: 0, zone: "local", view: "traffic" },
};

export function readState(query: string): State {
  const given = new URLSearchParams(query);
  const state: State = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof State)[]) {
    const value = given.get(name);
    if (value === null) continue;
    const taken = readValue(name, value);
    if (taken !== undefined) Object.assign(state, { [name]: taken });
  }
  return state.to > state.from && state.from > 0 ? state : { ...state, from: 0, to: 0 };
}

/** What of a query the page can't show, in words; undefined when it shows all of it. */
export function faultOf(query: string): string | undefined {
  const given = new URLSearchParams(query);
  if ((given.has("from") || given.has("to")) && readState(query).from === 0)
    return `from=${given.get("from") ?? ""}, to=${given.get("to") ?? ""} is no range of time`;
  for (const [name, value] of given)
    if (
      name in DEFAULTS &&
      name !== "from" &&
      name !== "to" &&
      readValue(name as keyof State, value) === undefined
    )
      return `${name}=${value} is nothing that there is`;
  return undefined;
}

/** The value of a parameter, or undefined when it is none. */
function readValue(name: keyof State, text: string): string | number | undefined {
  if (name === "range") {
    const length = durationOf(text) ?? 0;
    return length >= 10 * SECOND && length <= LONGEST ? text : undefined;
  }
  if (name === "rows") return text === "tenant" || text === "task" ? text : undefined;
  if (name === "lines") return text === "all" || text === "failed" ? text : undefined;
  if (name === "zone") return text === "utc" || text === "local" ? text : undefined;
  if (name === "view") return text === "models" || text === "traffic" ? text : undefined;
  if (typeof DEFAULTS[name] === "string") return text;
  const value = Number(text);
  if (text === "" || !Number.isInteger(value) || value < 0) return undefined;
  if (name === "refresh") return REFRESHES.includes(value) ? value : undefined;
  return value === 0 || (value >= FIRST_TIME && value <= LAST_TIME) ? value : undefined;
}

/** A link to a changed state. */
export function linkTo(state: State, change: Partial<State>): string {
  const next = { ...state, ...change };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(next))
    if (value !== DEFAULTS[name as keyof State]) query.set(name, String(value));
  const text = query.toString();
  return text === "" ? "/" : `/?${text}`;
}

/**
 * The time that is shown. Steps start at multiples of their length, as the collector's do; all times are
 * milliseconds.
 */
export interface Span {
  from: number;
  to: number;
  step: number;
}

/** A live range ends with the last whole step of a minute or ten seconds, so that none is drawn half full. */
export function spanOf(state: State, now: number): Span {
  const isFixed = state.from > 0;
  const live = durationOf(state.range) ?? 0;
  const length = isFixed ? state.to - state.from : live;
  const finest = !isFixed && length >= BY_MINUTES_FROM ? MINUTE : 10 * SECOND;
  const fitting = STEPS.find((step) => step * SECOND >= finest && length / (step * SECOND) <= MOST_STEPS);
  const step = (fitting ?? 86_400) * SECOND;
  const to = isFixed ? state.to : Math.floor(now / Math.min(step, MINUTE)) * Math.min(step, MINUTE);
  return {
    from: Math.floor((to - length) / step) * step,
    to: isFixed ? Math.ceil(to / step) * step : to,
    step,
  };
}

/** Twice the time around the same middle, but not beyond now. */
export function zoomedOut({ from, to }: Span, now: number): Pick<State, "from" | "to"> {
  const half = (to - from) / 2;
  const end = Math.min(to + half, now);
  return {
    from: Math.max(FIRST_TIME, Math.round(Math.max(end - 4 * half, end - LONGEST))),
    to: Math.round(end),
  };
}

/**
 * How much of a step is over, in milliseconds: what is still under way has had less time for its requests.
 */
export function lengthOf(start: number, { step }: Span, now: number): number {
  return Math.max(Math.min(step, MINUTE), Math.min(step, now - start));
}
