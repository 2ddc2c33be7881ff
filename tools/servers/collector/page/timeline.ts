import type { Snapshot, Traffic } from "./api.ts";
import type { Line } from "./chart-data.ts";
import { Chart } from "./charts.ts";
import { element } from "./dom.ts";
import { count, duration } from "./format.ts";
import { HeatMapPainter } from "./heat-map.ts";
import { Lanes } from "./lanes.ts";
import { OUTCOMES } from "./outcomes.ts";
import { lengthOf } from "./state.ts";

const MOST_APART = 5;

/** The charts and events of one time, one above the other. */
export class Timeline {
  private readonly lanes: Lanes;
  private readonly painter = new HeatMapPainter();
  private readonly charts: Record<"traffic" | "codes" | "latency" | "heatmap" | "refusals" | "flight", Chart>;

  /** @param on what happens when a part of the time line is chosen, a step, or what was before an event */
  constructor(on: {
    select: (from: number, to: number) => void;
    pick: (time: number) => void;
    compareBefore: (time: number) => void;
  }) {
    this.lanes = new Lanes(element("#events"), on.compareBefore);
    const onCursor = (x: number | undefined) => this.lanes.point(x);
    const common = { onCursor, onSelect: on.select, onPick: on.pick };
    this.charts = {
      traffic: new Chart({ ...common, card: element("#traffic"), format: count, stacked: true }),
      codes: new Chart({ ...common, card: element("#codes"), format: count, stacked: true }),
      latency: new Chart({ ...common, card: element("#latency"), format: duration }),
      heatmap: new Chart({
        ...common,
        card: element("#heatmap"),
        format: duration,
        height: 168,
        bounds: () => this.painter.bounds(),
        draw: (chart) => this.painter.paint(chart),
      }),
      refusals: new Chart({ ...common, card: element("#refusals"), format: count, stacked: true }),
      flight: new Chart({ ...common, card: element("#flight"), format: count, height: 104 }),
    };
  }

  set({ from, to, step, series, heatMap, events, limit, now, before }: Snapshot): void {
    const rows = inSteps(series, from, to, step);
    const times = rows.map((_, i) => (from + i * step) / 1000);
    const lengths = rows.map((_, i) => lengthOf(from + i * step, { from, to, step }, now));
    const rate = (value: (row: Traffic) => number) =>
      rows.map((row, i) => (row ? (value(row) * 1000) / (lengths[i] as number) : 0));
    this.painter.set(heatMap, step);
    const lines: Record<keyof Timeline["charts"], Line[]> = {
      traffic: [
        ...OUTCOMES.map(({ field, label, colour }) => ({ label, colour, values: rate((row) => row[field]) })),
        ...(limit === undefined
          ? []
          : [{ label: "limit", colour: "soft", values: rows.map(() => limit), bound: true }]),
      ],
      codes: topOf(series, "codes").map((codes, i, all) => ({
        label: codes.length > 1 && i === all.length - 1 ? "others" : codeName(codes[0] as string),
        colour: codes.length > 1 ? "reason-5" : colourOf(codes[0] as string, i),
        values: rate((row) => codes.reduce((sum, code) => sum + (row.codes[code] ?? 0), 0)),
      })),
      latency: (["p50", "p90", "p99"] as const).map((name) => ({
        label: name,
        colour: name,
        values: rows.map((row) => row?.[name] ?? null),
      })),
      heatmap: [{ label: "most at", colour: "heat", values: this.painter.modes(times) }],
      refusals: topOf(series, "reasons").map((reasons, i, all) => ({
        label: reasons.length > 1 && i === all.length - 1 ? "others" : (reasons[0] as string),
        colour: `reason-${i}`,
        values: rate((row) => reasons.reduce((sum, reason) => sum + (row.reasons[reason] ?? 0), 0)),
      })),
      flight: [
        {
          label: "in flight",
          colour: "flight",
          values: rows.map((row, i) => ((row?.in_flight ?? 0) * step) / (lengths[i] as number)),
        },
      ],
    };
    if (series.some(({ would_refuse }) => would_refuse > 0))
      lines.refusals.push({
        label: "would refuse (dry run)",
        colour: "dry-run",
        values: rate(({ would_refuse }) => would_refuse),
      });
    if (before !== undefined) addBefore(lines, inSteps(before.series, from, to, step), step);
    for (const [name, chart] of Object.entries(this.charts))
      chart.set({
        from: from / 1000,
        to: to / 1000,
        times,
        events,
        lines: lines[name as keyof typeof lines],
      });
    this.lanes.set(events, from, to);
  }

  /** Draws all anew, as after a change of colours. */
  build(): void {
    for (const chart of Object.values(this.charts)) chart.build();
  }
}

/** One row a step; undefined where nothing came. */
export function inSteps(series: Traffic[], from: number, to: number, step: number): (Traffic | undefined)[] {
  const rows = new Array<Traffic | undefined>(Math.ceil((to - from) / step)).fill(undefined);
  for (const row of series) {
    const index = Math.floor((Date.parse(row.time as string) - from) / step);
    if (index >= 0 && index < rows.length) rows[index] = row;
  }
  return rows;
}

/** Adds what it was earlier to requests, server errors and p99. */
function addBefore(
  lines: Record<"traffic" | "latency", Line[]>,
  rows: (Traffic | undefined)[],
  step: number,
): void {
  const rate = (field: "requests" | "errors") => rows.map((row) => (row ? (row[field] * 1000) / step : null));
  lines.traffic.push(
    { label: "requests before", colour: "soft", values: rate("requests"), before: true },
    { label: "server errors before", colour: "error", values: rate("errors"), before: true },
  );
  const p99 = rows.map((row) => row?.p99 ?? null);
  lines.latency.push({ label: "p99 before", colour: "p99", values: p99, before: true });
}

/** The most frequent reasons or codes, one each, and all others together at the end. */
function topOf(series: Traffic[], field: "reasons" | "codes"): string[][] {
  const counts = new Map<string, number>();
  for (const row of series)
    for (const [name, count] of Object.entries(row[field])) counts.set(name, (counts.get(name) ?? 0) + count);
  const names = [...counts].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const groups = names.slice(0, MOST_APART).map((name) => [name]);
  return names.length > MOST_APART ? [...groups, names.slice(MOST_APART)] : groups;
}

function codeName(code: string): string {
  return code === "0" ? "no answer" : code;
}

function colourOf(code: string, index: number): string {
  if (code === "0" || code.startsWith("5")) return "error";
  return code.startsWith("2") ? "served" : `reason-${index % MOST_APART}`;
}
