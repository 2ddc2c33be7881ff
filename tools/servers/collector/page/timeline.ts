import type { Snapshot, Traffic } from "./api.ts";
import { Chart, type Line } from "./charts.ts";
import { element } from "./dom.ts";
import { count, duration } from "./format.ts";
import { HeatMapPainter } from "./heat-map.ts";
import { Lanes } from "./lanes.ts";
import { OUTCOMES } from "./outcomes.ts";
import { lengthOf } from "./state.ts";

const MOST_REASONS = 5;

/** The charts and events of one time, one above the other. */
export class Timeline {
  private readonly lanes = new Lanes(element("#events"));
  private readonly painter = new HeatMapPainter();
  private readonly charts: Record<"traffic" | "latency" | "heatmap" | "refusals" | "flight", Chart>;

  constructor(onSelect: (from: number, to: number) => void) {
    const onCursor = (x: number | undefined) => this.lanes.point(x);
    const common = { onCursor, onSelect };
    this.charts = {
      traffic: new Chart({ ...common, card: element("#traffic"), format: count, stacked: true }),
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

  set({ from, to, step, series, heatMap, events, limit, now }: Snapshot): void {
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
      latency: (["p50", "p90", "p99"] as const).map((name) => ({
        label: name,
        colour: name,
        values: rows.map((row) => row?.[name] ?? null),
      })),
      heatmap: [{ label: "most at", colour: "heat", values: this.painter.modes(times) }],
      refusals: reasonsOf(series).map((reasons, i, all) => ({
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

/** The most frequent reasons, one each, and all others together at the end. */
function reasonsOf(series: Traffic[]): string[][] {
  const counts = new Map<string, number>();
  for (const { reasons } of series)
    for (const [reason, count] of Object.entries(reasons))
      counts.set(reason, (counts.get(reason) ?? 0) + count);
  const names = [...counts].sort((a, b) => b[1] - a[1]).map(([reason]) => reason);
  const groups = names.slice(0, MOST_REASONS).map((name) => [name]);
  return names.length > MOST_REASONS ? [...groups, names.slice(MOST_REASONS)] : groups;
}
