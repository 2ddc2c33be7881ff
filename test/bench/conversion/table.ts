import type { Case } from "./cases.ts";
import { CONNECTIONS, type ConversionRow, type ConversionTable, type Latency } from "./matrix.ts";

/** The table of a case as text. */
export function conversionTable({ direction, data, jsonBytes, rows }: ConversionTable): string {
  const head = [
    "CPU us",
    "added",
    "less than native",
    "p50/p99 ms, 1 conn.",
    "32 connections",
    "peak RSS, MB",
    "of it for a body",
    "for a connection",
  ];
  const native = rows.find(({ variant }) => variant === "grpc_json_transcoder")?.added ?? Number.NaN;
  return [
    `\nConversion, ${direction}, ${data}, ${sizeText(jsonBytes)} of JSON`,
    line("", head),
    ...rows.map((row) => line(row.variant, cells(row, native, jsonBytes))),
    ...belowTheJvm(rows),
  ].join("\n");
}

/** How much lower our median latency is than that of the gateway on the JVM, where that was measured. */
function belowTheJvm(rows: ConversionRow[]): string[] {
  const jvm = rows.find(({ variant }) => variant === "JVM gateway, Armeria");
  const own = rows.find(({ variant }) => variant === "protocol-conversion.wasm");
  if (!jvm || !own) return [];
  const below = (at: "alone" | "crowded") => `${((1 - own[at].p50 / jvm[at].p50) * 100).toFixed(1)} %`;
  return [
    `  p50 below the JVM gateway's: ${below("alone")} over 1 connection, ${below("crowded")} over ${CONNECTIONS}`,
  ];
}

/** As in `JSON -> gRPC, FP32, 6 digits, 0.60 MB`. */
export function caseName({ direction, data, size }: Case): string {
  return `${direction}, ${data}, ${sizeText(size)}`;
}

function cells(row: ConversionRow, native: number, jsonBytes: number): string[] {
  return [
    row.cpuMicroseconds.toFixed(0),
    row.added.toFixed(0),
    row.variant.includes("serde_json") || row.variant.endsWith(".wasm")
      ? `${(native / row.added).toFixed(1)}x`
      : "",
    latencyText(row.alone),
    latencyText(row.crowded),
    (row.residentBytes / 1e6).toFixed(0),
    `${sizeText(row.peakBytes)} (${(row.peakBytes / jsonBytes).toFixed(1)}x)`,
    sizeText(row.connectionBytes),
  ];
}

const WIDTHS = [9, 9, 18, 21, 18, 14, 19, 18];

function line(name: string, texts: string[]): string {
  return `  ${name.padEnd(26)}${texts.map((text, i) => text.padStart(WIDTHS[i] as number)).join("")}`;
}

function latencyText({ p50, p99 }: Latency): string {
  return `${milliseconds(p50)}/${milliseconds(p99)}`;
}

function milliseconds(microseconds: number): string {
  return (microseconds / 1000).toPrecision(3);
}

export function sizeText(bytes: number): string {
  if (bytes >= 1e5) return `${(bytes / 1e6).toFixed(2)} MB`;
  return `${(bytes / 1e3).toFixed(bytes < 1e4 ? 1 : 0)} KB`;
}
