import { terminalPlot } from "../../lib/plot/terminal-plot.ts";
import { timeSeriesSvg } from "../../lib/plot/time-series.ts";
import { table } from "../../lib/terminal/table.ts";
import type { Step } from "./capacity.ts";
import { hasTokens, type SavedRun } from "./saved-run.ts";
import { parseSlo, type Slo } from "./slo.ts";

const HEADINGS = [
  "rate",
  "answered",
  "p50 ms",
  "p90 ms",
  "p99 ms",
  "p99.9 ms",
  "max ms",
  "failed",
  "objective",
];
/** Of a language model, before the objective. */
const TOKEN_HEADINGS = [
  ...[
    "ttft p50 ms",
    "ttft p90 ms",
    "ttft p99 ms",
    "per token p50 ms",
    "per token p90 ms",
    "per token p99 ms",
  ],
  "tokens/s",
];
/** Latencies are drawn up to so many times the objective: those beyond the knee have no end. */
const DRAWN_UP_TO = 3;

/** Steps by rising rate, as a table. */
export function stepsTable(run: SavedRun): string {
  return table(headings(run), rows(run));
}

/** Latency by rate, drawn with characters: `.` p50, `o` p99, `x` p99 of a rate that broke the objective. */
export function terminalReport(run: SavedRun): string {
  const top = highestLatency(run);
  const points = (wanted: boolean, value: (step: SavedRun["steps"][number]) => number): [number, number][] =>
    run.steps
      .filter(({ breaches }) => (breaches.length === 0) === wanted)
      .map((step) => [step.rate, Math.min(value(step), top)]);
  return terminalPlot(
    [
      { character: ".", points: [...points(true, ({ p50 }) => p50), ...points(false, ({ p50 }) => p50)] },
      { character: "x", points: points(false, ({ p99 }) => p99) },
      { character: "o", points: points(true, ({ p99 }) => p99) },
    ],
    {
      x: "requests/s",
      y: "latency in ms: . p50  o p99  x p99 beyond the objective  - objective",
      lines: objectives(run),
    },
  );
}

/** Latency by rate as an SVG image; a baseline's p99 beside it. */
export function svgReport(run: SavedRun, baseline?: SavedRun): string {
  const top = highestLatency(run);
  const line = (saved: SavedRun, value: (step: SavedRun["steps"][number]) => number): [number, number][] =>
    byRate(saved).map((step) => [step.rate, Math.min(value(step), top)]);
  const last = Math.max(...run.steps.map(({ rate }) => rate));
  return timeSeriesSvg({
    title: `${run.task}: ${run.capacity.toFixed(1)} requests a second hold ${run.slo}${run.replicas > 1 ? `, ${run.replicas} replicas` : ""}`,
    ...{ x: "requests offered a second", y: "milliseconds from the intended send time" },
    series: [
      { name: "p50", color: "#1a7f37", points: line(run, ({ p50 }) => p50) },
      { name: "p99", color: "#0969da", points: line(run, ({ p99 }) => p99) },
      ...objectives(run).map((value) => ({
        name: "objective",
        color: "#cf222e",
        points: [
          [0, value],
          [last, value],
        ] as [number, number][],
      })),
      ...(baseline
        ? [{ name: "p99 of the baseline", color: "#8250df", points: line(baseline, ({ p99 }) => p99) }]
        : []),
    ],
    events: run.capacity > 0 ? [{ at: run.capacity, label: "capacity" }] : [],
  });
}

/** A page with the image and the table, without scripts. */
export function htmlReport(run: SavedRun, baseline?: SavedRun): string {
  const cells = (tag: string, row: string[]) =>
    `<tr>${row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("")}</tr>`;
  return [
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>Load test of ${escaped(run.task)}</title>`,
    "<style>body{font:14px sans-serif;max-width:900px;margin:2em auto}table{border-collapse:collapse}td,th{padding:2px 10px;text-align:right;border-bottom:1px solid #ddd}</style>",
    `<h1>Load test of ${escaped(run.task)}</h1><p>${escaped(run.date)}, objective ${escaped(run.slo)}, ${run.replicas} replicas: ${run.capacity.toFixed(1)} requests a second, ${(run.capacity / run.replicas).toFixed(1)} per replica${run.isFound ? "" : " or more"}.</p>`,
    svgReport(run, baseline),
    `<table>${cells("th", headings(run))}${rows(run)
      .map((row) => cells("td", row))
      .join("")}</table></html>\n`,
  ].join("\n");
}

function headings(run: SavedRun): string[] {
  return hasTokens(run) ? [...HEADINGS.slice(0, -1), ...TOKEN_HEADINGS, ...HEADINGS.slice(-1)] : HEADINGS;
}

function rows(run: SavedRun): string[][] {
  const isLanguage = hasTokens(run);
  return byRate(run).map(({ rate, answered, p50, p90, p99, p999, max, failed, breaches, tokens }) => [
    ...[rate, answered, p50, p90, p99, p999, max].map((value) => value.toFixed(1)),
    String(failed),
    ...(isLanguage ? tokenCells(tokens) : []),
    breaches.join("; ") || "held",
  ]);
}

function tokenCells(tokens: Step["tokens"]): string[] {
  if (!tokens) return TOKEN_HEADINGS.map(() => "-");
  const { ttft, tpot, perSecond } = tokens;
  return [ttft.p50, ttft.p90, ttft.p99, tpot.p50, tpot.p90, tpot.p99, perSecond].map((value) =>
    value === 0 ? "-" : value.toFixed(1),
  );
}

function byRate({ steps }: SavedRun): SavedRun["steps"] {
  return steps.toSorted((a, b) => a.rate - b.rate || a.p99 - b.p99);
}

/** Milliseconds that whole requests may take, as the objective says. */
function objectives({ slo }: SavedRun): number[] {
  return parseSlo(slo).latencies.flatMap(({ of, milliseconds }) => (of === "request" ? milliseconds : []));
}

/** An objective for tokens alone says nothing of whole requests: all of them are drawn. */
function highestLatency(run: SavedRun): number {
  const bounds = objectives(run);
  return bounds.length > 0 ? Math.max(...bounds) * DRAWN_UP_TO : Math.max(...run.steps.map(({ p99 }) => p99));
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** A generator that sends later than this share of the objective measures itself. */
const LATE_SHARE = 0.2;

/** A step in one line, while the search goes on. */
export function stepLine({ rate, p50, p99, breaches, lateness, tokens }: Step, slo: Slo): string {
  const late =
    lateness > longestLatency(slo) * LATE_SHARE
      ? `  (this generator sent up to ${lateness.toFixed(0)} ms late: it may be the limit)`
      : "";
  const language = tokens
    ? `  first token p50 ${tokens.ttft.p50.toFixed(1)} ms  each p50 ${tokens.tpot.p50.toFixed(1)} ms  ${tokens.perSecond.toFixed(0)} tokens/s`
    : "";
  return `${rate.toFixed(1).padStart(9)}/s  p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms${language}  ${breaches.join("; ") || "held"}${late}`;
}

/** Of the latencies that an objective names, the longest, milliseconds. */
export function longestLatency({ latencies }: Slo): number {
  return Math.max(...latencies.map(({ milliseconds }) => milliseconds));
}
