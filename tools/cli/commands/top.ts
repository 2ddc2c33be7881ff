import { setTimeout as sleep } from "node:timers/promises";
import { Command, Option } from "commander";
import { drawOver } from "../../lib/terminal/output.ts";
import { table } from "../../lib/terminal/table.ts";
import type { Milliseconds } from "../../lib/units.ts";
import { GROUPS } from "../../servers/collector/fields.ts";
import { groupsOf } from "../../servers/collector/query/parameters.ts";
import type { TrafficRow } from "../../servers/collector/query/traffic.ts";
import { RECENT_SECONDS } from "../../servers/collector/store/aggregate.ts";
import { addTrafficOptions, filterParameters, readTraffic, type TrafficOptions } from "../options/traffic.ts";
import { duration, withDefault } from "../options/units.ts";
import { modelColumns } from "../output/model-text.ts";
import { milliseconds, nameText, percent, rate } from "../output/traffic-text.ts";

const CLEAR_SCREEN = "\x1b[H\x1b[2J";

interface Options extends TrafficOptions {
  by: string;
  sort: SortKey;
  interval: Milliseconds;
  window: Milliseconds;
  once?: true;
}

/** Lines of the last moments are still on their way. */
const SETTLED_MS = 2_000;

const SORTS = {
  qps: (row: TrafficRow) => row.qps,
  errors: (row: TrafficRow) => row.errors / row.requests,
  p50: (row: TrafficRow) => row.p50 ?? 0,
  p99: (row: TrafficRow) => row.p99 ?? 0,
  refused: (row: TrafficRow) => row.refused,
  inflight: (row: TrafficRow) => row.in_flight,
  tokens: (row: TrafficRow) => tokensOf(row),
  cost: (row: TrafficRow) => costOf(row),
};
type SortKey = keyof typeof SORTS;
const SORT_KEYS = Object.keys(SORTS) as SortKey[];
/** Keys of the keyboard, in a terminal. */
const KEYBOARD: Record<string, SortKey> = {
  ...{ r: "qps", e: "errors", "5": "p50", "9": "p99", x: "refused", i: "inflight", t: "tokens", c: "cost" },
};

export function topCommand(): Command {
  const command = new Command("top")
    .description("Show the current traffic of each task, live in the terminal")
    .argument("[file...]", "log files to read instead of asking a collector");
  addTrafficOptions(command)
    .addOption(
      new Option("--sort <column>", "column to sort by, largest first").choices(SORT_KEYS).default("qps"),
    )
    .option("--by <dimensions>", `what to group by: ${GROUPS.join(",")}`, "tenant,taskid,version")
    .addOption(withDefault("--interval <duration>", "how often to redraw", duration, "2s"))
    .addOption(
      withDefault("--window <duration>", "time span of the numbers, in steps of 10s", duration, "30s"),
    )
    .option("--once", "print once and exit");
  command.addHelpText(
    "after",
    "\nKeys: r requests, e errors, 5 p50, 9 p99, x refusals, i in flight, t tokens, c cost; q quits.",
  );
  return command.action(top);
}

async function top(files: string[], options: Options): Promise<void> {
  const isLive = process.stdout.isTTY && !options.once && files.length === 0;
  const redraw = new Redraw();
  if (isLive) listenToKeys(options, redraw);
  for (;;) {
    const screen = await draw(files, options).catch((error: Error) => {
      if (!isLive) throw error;
      return `${error.message}\n`;
    });
    if (isLive) drawOver(process.stdout, CLEAR_SCREEN, fitted(screen));
    else process.stdout.write(screen);
    if (options.once || files.length > 0) return;
    if (!isLive) process.stdout.write("\n");
    await redraw.wait(options.interval);
  }
}

/** Waits, unless a key is pressed. */
class Redraw {
  private wake: (() => void) | undefined;

  async wait(intervalMs: number): Promise<void> {
    const key = new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    await Promise.race([sleep(intervalMs), key]);
  }

  now(): void {
    this.wake?.();
  }
}

function listenToKeys(options: Options, redraw: Redraw): void {
  if (!process.stdin.isTTY) return;
  process.stdin.setRawMode(true);
  process.once("exit", () => process.stdin.setRawMode(false));
  process.stdin.on("data", (data) => {
    const key = data.toString();
    if (key === "q" || key === "\x03") process.exit(0);
    options.sort = KEYBOARD[key] ?? options.sort;
    redraw.now();
  });
}

async function draw(files: string[], options: Options): Promise<string> {
  const parameters = filterParameters(options);
  const unit = RECENT_SECONDS * 1_000;
  const to = Math.floor((Date.now() - SETTLED_MS) / unit) * unit;
  if (files.length === 0) {
    parameters.set("from", new Date(to - options.window).toISOString());
    parameters.set("to", new Date(to).toISOString());
  }
  parameters.set("step", "0");
  parameters.set("by", options.by);
  const { rows, ...range } = await readTraffic(files, options, parameters);
  const by = SORTS[options.sort];
  const sorted = rows.toSorted((a, b) => by(b) - by(a));
  const sum = (name: "qps" | "requests" | "errors" | "client_errors" | "refused") =>
    rows.reduce((all, row) => all + row[name], 0);
  const head = `${range.from} to ${range.to}   ${rate(sum("qps"))} requests/s   ${percent(sum("errors"), sum("requests"))} errors   ${sum("client_errors")} client errors   ${sum("refused")} refused   by ${options.sort}\n`;
  if (rows.length === 0) return `${head}No traffic.\n`;
  const groups = groupsOf(parameters);
  const models = modelColumns(rows);
  const cells = sorted.map((row) => [
    ...groups.map((name) => nameText(row[name])),
    rate(row.qps),
    percent(row.errors, row.requests),
    milliseconds(row.p50),
    milliseconds(row.p99),
    String(row.refused),
    Object.keys(row.reasons).join(",") || "-",
    rate(row.in_flight),
    ...models.map(([, cell]) => cell(row)),
  ]);
  const headings = ["qps", "errors", "p50", "p99", "refused", "reasons", "in flight"];
  return `${head}\n${table([...groups, ...headings, ...models.map(([heading]) => heading)], cells)}`;
}

function tokensOf({ models }: TrafficRow): number {
  return models === undefined ? 0 : models.input_tokens + models.output_tokens;
}

function costOf({ models }: TrafficRow): number {
  return Object.values(models?.costs ?? {}).reduce((sum, micros) => sum + micros, 0);
}

/** As many lines as the terminal has, and no wider. */
function fitted(screen: string): string {
  const { rows, columns } = process.stdout;
  return screen
    .split("\n")
    .slice(0, rows - 1)
    .map((line) => line.slice(0, columns))
    .join("\n");
}
