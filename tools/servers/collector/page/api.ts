import type { Milliseconds } from "../../../lib/units.ts";
import { FILTERS, type Span, type State } from "./state.ts";

/** A row of `/api/v1/traffic`: one series in one step, or in the whole range. */
export interface Traffic {
  time?: string;
  tenant?: string;
  taskid?: string;
  version?: string;
  gateway?: string;
  requests: number;
  qps: number;
  /** How requests ended: these four add up to them; `errors` are the server's. */
  served: number;
  refused: number;
  client_errors: number;
  errors: number;
  would_refuse: number;
  codes: Record<string, number>;
  reasons: Record<string, number>;
  /** Milliseconds; null without a request. */
  p50: number | null;
  p90: number | null;
  p99: number | null;
  bytes_received: number;
  bytes_sent: number;
  in_flight: number;
  /** Calls to language models among them; absent where there is none. */
  models?: ModelCalls;
}

/** Milliseconds. */
type Percentiles = Record<"p50" | "p90" | "p99", number>;

/** Calls to language models that a model answered. */
interface ModelCalls {
  calls: number;
  input_tokens: number;
  output_tokens: number;
  estimated: number;
  aborted: number;
  /** Millionths, by currency. */
  costs: Record<string, number>;
  time_to_first_token?: Percentiles;
  time_per_output_token?: Percentiles;
}

/** What a credential took of a model, in whole hours. */
export type Spender = ModelCalls & { tenant?: string; taskid?: string; credential?: string };

/** An account of a budget, in tokens or millionths of a currency. */
export interface Budget {
  tenant: string;
  budget: string;
  limit: number;
  spent: number;
  used_percent: number;
}

export interface ModelSnapshot {
  spenders: Spender[];
  budgets: Budget[];
}

export interface HeatMap {
  /** Upper bounds, ms. */
  buckets: number[];
  rows: { time: string; counts: number[] }[];
}

export type EventType = "rollout" | "kubernetes" | "limit" | "alert" | "other";

export interface TimelineEvent {
  time: string;
  type: EventType;
  reason: string;
  message: string;
  tenant?: string;
  taskid?: string;
  version?: string;
  gateway?: string;
  source?: string;
}

/** An access log line, with the fields that the page shows in a place of their own. */
export interface LogLine extends Record<string, unknown> {
  start_time: string;
  duration?: Milliseconds;
  response_code?: number;
  response_flags?: string;
  reason?: string;
  method?: string;
  path?: string;
  tenant?: string;
  taskid?: string;
  version?: string;
  credential?: string;
  gateway?: string;
  request_id?: string;
  trace_id?: string;
  /** Microseconds by stage. */
  phases?: Record<string, number>;
}

/** The newest lines, and how many there are. */
export interface FoundLines {
  lines: LogLine[];
  matched: number;
}

/** All that one refresh shows. */
export interface Snapshot extends Span {
  /** When it was taken, milliseconds. */
  now: number;
  total: Traffic | undefined;
  series: Traffic[];
  rows: Traffic[];
  heatMap: HeatMap;
  events: TimelineEvent[];
  /** Requests a second that the task or tenant may have now, when the collector knows. */
  limit: number | undefined;
  /** What `series` and `total` are compared with: the same time earlier, moved to the time that is shown. */
  before: { total: Traffic | undefined; series: Traffic[] } | undefined;
  /** What the view of language models shows beside; undefined in the other view. */
  models: ModelSnapshot | undefined;
}

const MOST_LINES = 100;

/** Reads a snapshot. @throws Error that says what the collector answered */
export async function fetchSnapshot(state: State, span: Span, signal: AbortSignal): Promise<Snapshot> {
  const range = rangeOf(span);
  const common = { ...range, ...filtersOf(state) };
  const step = `${span.step / 1000}s`;
  const by = state.task
    ? "version,gateway"
    : state.rows === "tenant" && !state.tenant
      ? "tenant"
      : "tenant,taskid";
  const traffic = (more: Record<string, string>) =>
    get<{ rows: Traffic[] }>("traffic", { ...common, ...more }, signal).then(({ rows }) => rows);
  const [total, series, rows, heatMap, { events }, limit, before, models] = await Promise.all([
    traffic({ by: "", step: "0" }),
    traffic({ by: "", step }),
    traffic({ by, step: "0" }),
    get<HeatMap>("heatmap", { ...common, step }, signal),
    get<{ events: TimelineEvent[] }>("events", range, signal),
    state.tenant ? fetchLimit(state, signal) : undefined,
    state.compare > 0 ? fetchBefore(state, span, signal) : undefined,
    state.view === "models" ? fetchModels(state, span, signal) : undefined,
  ]);
  return {
    ...span,
    now: Date.now(),
    total: total[0],
    series,
    rows,
    heatMap,
    events: events.filter((event) => concerns(event, state)),
    limit,
    before,
    models,
  };
}

/** Parameters of the range. */
function rangeOf({ from, to }: { from: number; to: number }): Record<string, string> {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

/** Parameters of what is narrowed down. */
function filtersOf(state: State): Record<string, string> {
  const given = FILTERS.filter((name) => state[name] !== "").map((name) => [name, state[name]]);
  return {
    ...(state.tenant && { tenant: state.tenant }),
    ...(state.task && { taskid: state.task }),
    ...Object.fromEntries(given),
  };
}

async function fetchModels(state: State, span: Span, signal: AbortSignal): Promise<ModelSnapshot> {
  // What is counted by the hour is told apart by these alone.
  const { tenant, task, version, gateway, credential } = state;
  const filters = Object.entries({ tenant, taskid: task, version, gateway, credential });
  const given = Object.fromEntries(filters.filter(([, value]) => value !== ""));
  const query = { ...rangeOf(span), ...given, by: "tenant,taskid,credential" };
  const [{ rows }, { budgets }] = await Promise.all([
    get<{ rows: Spender[] }>("spend", query, signal),
    get<{ budgets: Budget[] }>("budgets", tenant === "" ? {} : { tenant }, signal),
  ]);
  return { spenders: rows, budgets };
}

async function fetchBefore(
  state: State,
  { from, to, step }: Span,
  signal: AbortSignal,
): Promise<Snapshot["before"]> {
  // Whole steps, so that what is compared stands in the same places.
  const shift = Math.max(step, Math.round(state.compare / step) * step);
  const common = { ...rangeOf({ from: from - shift, to: to - shift }), ...filtersOf(state), by: "" };
  const traffic = (steps: string) =>
    get<{ rows: Traffic[] }>("traffic", { ...common, step: steps }, signal).then(({ rows }) => rows);
  const [total, series] = await Promise.all([traffic("0"), traffic(`${step / 1000}s`)]);
  const moved = series.map((row) => ({
    ...row,
    time: new Date(Date.parse(row.time as string) + shift).toISOString(),
  }));
  return { total: total[0], series: moved };
}

/** The log lines that the state asks for, newest first. */
export async function fetchLines(state: State, span: Span, signal: AbortSignal): Promise<FoundLines> {
  const moment = state.at > 0 ? { from: state.at, to: state.at + span.step } : span;
  const chosen = state.lines === "all" || state.code || state.outcome || state.reason || state.find;
  const response = await ask(
    "logs",
    {
      ...rangeOf(moment),
      ...filtersOf(state),
      ...(!chosen && { outcome: "refused,client_error,server_error" }),
      ...(state.find && { search: state.find }),
      limit: String(MOST_LINES),
    },
    signal,
  );
  const lines = linesOf(await response.text()).reverse();
  return { lines, matched: Number(response.headers.get("modelgate-matched") ?? lines.length) };
}

/** The line of one request, wherever it is in the range. */
export async function fetchRequest(
  id: string,
  span: Span,
  signal: AbortSignal,
): Promise<LogLine | undefined> {
  const query = { ...rangeOf(span), request_id: id, limit: "1" };
  return linesOf(await (await ask("logs", query, signal)).text())[0];
}

function linesOf(text: string): LogLine[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line): LogLine => JSON.parse(line));
}

export interface Settings {
  /** Where a trace is shown, with `{trace_id}` in place of its id. */
  trace_url?: string;
}

export function fetchSettings(): Promise<Settings> {
  return get("settings", {}, new AbortController().signal);
}

/** An event that names no tenant or task is for all of them. */
function concerns({ tenant, taskid }: TimelineEvent, state: State): boolean {
  return (
    (!state.tenant || !tenant || tenant === state.tenant) && (!state.task || !taskid || taskid === state.task)
  );
}

async function fetchLimit({ tenant, task }: State, signal: AbortSignal): Promise<number | undefined> {
  const query = { tenant, taskid: task };
  const { limits } = await get<{ limits: { requests_per_second: number }[] }>("limits", query, signal);
  return limits.length === 0 ? undefined : limits.reduce((sum, limit) => sum + limit.requests_per_second, 0);
}

async function get<T>(name: string, query: Record<string, string>, signal: AbortSignal): Promise<T> {
  return (await ask(name, query, signal)).json();
}

async function ask(name: string, query: Record<string, string>, signal: AbortSignal): Promise<Response> {
  const response = await fetch(`/api/v1/${name}?${new URLSearchParams(query)}`, { signal });
  if (!response.ok)
    throw new Error(`/api/v1/${name}: ${response.status} ${(await response.text()).slice(0, 200)}`);
  return response;
}
