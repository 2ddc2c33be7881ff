import type { Milliseconds } from "../../../lib/units.ts";
import type { Span, State } from "./state.ts";

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
  reasons: Record<string, number>;
  /** Milliseconds; null without a request. */
  p50: number | null;
  p90: number | null;
  p99: number | null;
  bytes_received: number;
  bytes_sent: number;
  in_flight: number;
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

/** Fields of an access log line that the page shows. */
export interface LogLine {
  start_time: string;
  duration?: Milliseconds;
  response_code?: number;
  response_flags?: string;
  reason?: string;
  method?: string;
  path?: string;
  version?: string;
  credential?: string;
  request_id?: string;
  trace_id?: string;
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
  /** Of a task: its latest requests with a status from 400 on, newest first. */
  failures: LogLine[];
}

const MOST_FAILURES = 100;

/** Reads a snapshot. @throws Error that says what the collector answered */
export async function fetchSnapshot(state: State, span: Span, signal: AbortSignal): Promise<Snapshot> {
  const range = { from: new Date(span.from).toISOString(), to: new Date(span.to).toISOString() };
  const common: Record<string, string> = {
    ...range,
    ...(state.tenant && { tenant: state.tenant }),
    ...(state.task && { taskid: state.task }),
  };
  const step = `${span.step / 1000}s`;
  const by = state.task
    ? "version,gateway"
    : state.rows === "tenant" && !state.tenant
      ? "tenant"
      : "tenant,taskid";
  const traffic = (more: Record<string, string>) =>
    get<{ rows: Traffic[] }>("traffic", { ...common, ...more }, signal).then(({ rows }) => rows);
  const [total, series, rows, heatMap, { events }, limit, failures] = await Promise.all([
    traffic({ by: "", step: "0" }),
    traffic({ by: "", step }),
    traffic({ by, step: "0" }),
    get<HeatMap>("heatmap", { ...common, step }, signal),
    get<{ events: TimelineEvent[] }>("events", range, signal),
    state.tenant ? fetchLimit(state, signal) : undefined,
    state.task ? fetchFailures(common, signal) : [],
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
    failures,
  };
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

async function fetchFailures(common: Record<string, string>, signal: AbortSignal): Promise<LogLine[]> {
  const query = { ...common, code: "400-599", limit: String(MOST_FAILURES) };
  const lines = (await (await ask("logs", query, signal)).text()).split("\n").filter(Boolean);
  return lines.map((line): LogLine => JSON.parse(line)).reverse();
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
