import { type Bar, barChartSvg } from "../../support/bar-chart.ts";
import { byAxes, type Cell, payloadName } from "./cells.ts";
import type { ChainResult } from "./chain.ts";
import { NATIVE, OURS } from "./gateways.ts";
import type { ChainTable } from "./measure.ts";
import { GO, JVM, RUST } from "./peer-gateways.ts";
import { shortText } from "./text.ts";

const COLORS: [string, string][] = [
  [OURS, "#0a7d4f"],
  ["our", "#7cc4a4"],
  [NATIVE, "#c2410c"],
  ["native", "#f59e6c"],
  [RUST, "#7c3aed"],
  [GO, "#0891b2"],
  [JVM, "#a16207"],
];

function colorOf(gateway: string): string {
  return COLORS.find(([start]) => gateway.startsWith(start))?.[1] ?? "#888";
}

/** What each gateway adds, for each payload. */
export function addedChart({ tables }: ChainResult): string {
  const panels = onePerPayload(tables).map(({ cell, rows }) => ({
    title: payloadName(cell),
    bars: rows.slice(1).map(({ gateway, added }): Bar => {
      const { median, least, most } = added;
      const label = median >= 1000 ? `${shortText(median / 1000)} ms` : `${shortText(median)} us`;
      return { name: gateway, value: median, range: [least, most], label, color: colorOf(gateway) };
    }),
  }));
  const subtitle =
    "beyond a plain proxy's, per request: median, and from the least to the most of the rounds";
  return barChartSvg({ title: "CPU time that the whole chain adds", subtitle, panels });
}

/** A table a payload, its other axes as near the centre as there is. */
function onePerPayload(tables: ChainTable[]): ChainTable[] {
  const distance = ({ http, workers, connections, perSecond, call }: Cell) =>
    (perSecond ? 0 : 1) +
    (workers - 1) +
    (call !== "gRPC" && http === 2 ? 1 : 0) +
    (connections === 512 ? 1 : 0);
  const best = new Map<string, ChainTable>();
  for (const table of tables) {
    const name = payloadName(table.cell);
    const held = best.get(name);
    if (!held || distance(table.cell) < distance(held.cell)) best.set(name, table);
  }
  return [...best.values()].toSorted((a, b) => byAxes(a.cell, b.cell));
}

/** How long each gateway's callers wait. */
export function latencyChart({ tables }: ChainResult): string {
  const panels = tables
    .filter(({ cell }) => cell.perSecond !== undefined)
    .map(({ cell, rows }) => ({
      title: `${payloadName(cell)}, ${cell.perSecond} requests a second`,
      bars: rows.flatMap(({ gateway, latency }): Bar[] => {
        if (!latency) return [];
        const { p50, p99 = p50 } = latency;
        const label = `${p50.toPrecision(3)} / ${p99.toPrecision(3)} ms`;
        return [{ name: gateway, value: p50, range: [p50, p99], label, color: colorOf(gateway) }];
      }),
    }));
  const subtitle = "open loop, from when a request was to be sent to its whole answer: p50, and on to p99";
  return barChartSvg({ title: "Latency through the whole chain", subtitle, panels });
}
