import { cellName, plural } from "./cells.ts";
import type { ChainResult } from "./chain.ts";
import { CONTROL, NATIVE, PLAIN } from "./gateways.ts";
import type { ChainRow, ChainTable } from "./measure.ts";
import type { StartRow } from "./start-time.ts";
import type { Spread } from "./statistics.ts";

export const HEADINGS = [
  "gateway",
  "CPU us (least to most)",
  "added us",
  "x plain",
  "native adds",
  "p50 / p90 / p99 / p99.9 ms",
  "peak MB",
];

/** A table's cells as text, under HEADINGS. */
export function rowsOf({ rows }: ChainTable): string[][] {
  const plain = rows[0]?.cpu.median ?? Number.NaN;
  const native = rows.find(({ gateway }) => gateway === NATIVE)?.added.median;
  return rows.map(({ gateway, cpu, added, latency, peakBytes }, i) => [
    gateway,
    spreadText(cpu),
    i === 0 ? "" : spreadText(added),
    i === 0 ? "" : (cpu.median / plain).toFixed(2),
    native === undefined || UNCOMPARED.has(gateway) ? "" : timesText(native, added.median),
    latencyText(latency),
    (peakBytes / 1e6).toFixed(0),
  ]);
}

const UNCOMPARED = new Set([PLAIN, CONTROL, NATIVE]);

/** How many times what another one adds the native chain adds; nothing where that one adds nothing. */
function timesText(native: number, added: number): string {
  return added <= 0 ? "" : `${(native / added).toPrecision(2)}x`;
}

export const START_HEADINGS = ["gateway", "start ms (least to most)", "modules, bytes"];

export function startRowsOf(starts: StartRow[]): string[][] {
  return starts.map(({ gateway, milliseconds, moduleBytes }) => [
    gateway,
    spreadText(milliseconds),
    moduleBytes === 0 ? "" : String(moduleBytes),
  ]);
}

export function cellTitle({ cell, requests, rounds }: ChainTable): string {
  const open = cell.perSecond ? `; latency: open loop, ${cell.perSecond} a second` : "";
  return `${cellName(cell)} (${plural(rounds, "round")} of ${plural(requests, "request")}${open})`;
}

/** What is left out of a table, and of all. */
export function missingLines({ failed }: Pick<ChainTable, "failed">): string[] {
  return failed.map(({ gateway, reason }) => `${gateway} is left out: ${reason}`);
}

/** The whole result for a terminal. */
export function chainText({ tables, starts, excluded }: ChainResult): string {
  const blocks = tables.map((table) =>
    [
      `\nThe whole chain, ${cellTitle(table)}`,
      ...aligned([HEADINGS, ...rowsOf(table)]),
      ...missingLines(table).map((line) => `  ${line}`),
    ].join("\n"),
  );
  if (starts.length > 0)
    blocks.push(["\nStart and size", ...aligned([START_HEADINGS, ...startRowsOf(starts)])].join("\n"));
  if (excluded.length > 0) blocks.push(missingLines({ failed: excluded }).join("\n"));
  return blocks.join("\n");
}

/** The first column to the left, the others to the right. */
function aligned(lines: string[][]): string[] {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines.map((line) =>
    `  ${line.map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join("   ")}`.trimEnd(),
  );
}

function spreadText({ median, least, most }: Spread): string {
  return `${shortText(median)} (${shortText(least)} to ${shortText(most)})`;
}

/** Three digits, and no more than one behind the point. */
export function shortText(value: number): string {
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return value.toFixed(1);
}

function latencyText(latency: ChainRow["latency"]): string {
  if (!latency) return "";
  const { p50, p90, p99, p999 } = latency;
  return [p50, p90, p99, p999].map((each) => (each === undefined ? "-" : each.toPrecision(3))).join(" / ");
}
