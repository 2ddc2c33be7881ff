/** What the page shows: all of it is in the URL's query, so that a link or a reload shows the same. */
export interface State {
  tenant: string;
  task: string;
  /** Name of one of `RANGES`; not used while `from` and `to` are set. */
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
}

/** Length and step of each range, in minutes. */
export const RANGES: Record<string, { label: string; minutes: number; step: number }> = {
  "15m": { label: "15 minutes", minutes: 15, step: 1 },
  "1h": { label: "1 hour", minutes: 60, step: 1 },
  "6h": { label: "6 hours", minutes: 360, step: 5 },
  "24h": { label: "24 hours", minutes: 1_440, step: 15 },
  "7d": { label: "7 days", minutes: 10_080, step: 120 },
};
export const REFRESHES = [0, 10, 30, 60];
const MOST_STEPS = 100;
const MINUTE = 60_000;
/** Of fixed ranges, in minutes. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1_440];

const DEFAULTS: State = {
  tenant: "",
  task: "",
  range: "1h",
  from: 0,
  to: 0,
  search: "",
  sort: "-requests",
  rows: "task",
  refresh: 10,
};

export function readState(query: string): State {
  const given = new URLSearchParams(query);
  const text = (name: keyof State) => given.get(name) ?? (DEFAULTS[name] as string);
  const number = (name: keyof State) => {
    const value = Number(given.get(name) ?? DEFAULTS[name]);
    return Number.isFinite(value) && value >= 0 ? value : (DEFAULTS[name] as number);
  };
  const state: State = {
    tenant: text("tenant"),
    task: text("task"),
    range: text("range") in RANGES ? text("range") : DEFAULTS.range,
    from: number("from"),
    to: number("to"),
    search: text("search"),
    sort: text("sort"),
    rows: text("rows") === "tenant" ? "tenant" : "task",
    refresh: REFRESHES.includes(number("refresh")) ? number("refresh") : DEFAULTS.refresh,
  };
  return state.to > state.from && state.from > 0 ? state : { ...state, from: 0, to: 0 };
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

/** A live range ends at the last whole minute, so that what is short is not drawn half full. */
export function spanOf(state: State, now: number): Span {
  const range = RANGES[state.range] as (typeof RANGES)[string];
  const isFixed = state.from > 0;
  const to = isFixed ? state.to : Math.floor(now / MINUTE) * MINUTE;
  const length = isFixed ? to - state.from : range.minutes * MINUTE;
  const fitting = STEPS.find((step) => length / (step * MINUTE) <= MOST_STEPS) ?? 1_440;
  const step = (isFixed ? fitting : range.step) * MINUTE;
  return {
    from: Math.floor((to - length) / step) * step,
    to: isFixed ? Math.ceil(to / step) * step : to,
    step,
  };
}

/**
 * How much of a step is over, in milliseconds: what is still under way has had less time for its requests.
 */
export function lengthOf(start: number, { step }: Span, now: number): number {
  return Math.max(MINUTE, Math.min(step, now - start));
}
