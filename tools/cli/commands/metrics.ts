import { Command, Option } from "commander";
import { table } from "../../lib/terminal/table.ts";
import { GROUPS } from "../../servers/collector/fields.ts";
import { groupsOf } from "../../servers/collector/query/parameters.ts";
import type { Traffic, TrafficRow } from "../../servers/collector/query/traffic.ts";
import { addTrafficOptions, filterParameters, readTraffic, type TrafficOptions } from "../options/traffic.ts";
import { modelColumns, type TrafficColumn } from "../output/model-text.ts";
import { byteCount, milliseconds, nameText, percent, rate } from "../output/traffic-text.ts";

interface Options extends TrafficOptions {
  since?: string;
  until?: string;
  step: string;
  by: string;
  output?: "json" | "wide";
}

export function metricsCommand(): Command {
  const command = new Command("metrics")
    .description(
      "Print traffic metrics: requests, errors, refusals, latency, bytes, requests in flight; tokens, times and cost of language models",
    )
    .argument("[file...]", "log files to read instead of asking a collector");
  addTrafficOptions(command)
    .option(
      "--since <time>",
      "start of the time range: RFC 3339, or a duration back from now such as 15m or 7d (default: 15m; of files: all)",
    )
    .option("--until <time>", "end of the time range (default: now)")
    .option("--step <duration>", "length of the time steps, such as 1m; 0 for one step", "0")
    .option("--by <dimensions>", `what to group by: ${GROUPS.join(",")}`, "tenant,taskid")
    .addOption(new Option("-o, --output <format>", "output format").choices(["json", "wide"]));
  return command.action(metrics);
}

async function metrics(files: string[], options: Options): Promise<void> {
  const parameters = filterParameters(options);
  if (options.since !== undefined) parameters.set("from", options.since);
  if (options.until !== undefined) parameters.set("to", options.until);
  parameters.set("step", options.step);
  parameters.set("by", options.by);
  const traffic = await readTraffic(files, options, parameters);
  process.stdout.write(
    options.output === "json"
      ? `${JSON.stringify(traffic, null, 2)}\n`
      : asTable(traffic, options.by, options.output === "wide"),
  );
}

function asTable({ rows, step }: Traffic, by: string, wide: boolean): string {
  if (rows.length === 0) return "No traffic found.\n";
  const groups = groupsOf(new URLSearchParams({ by }));
  const counts = (values: Record<string, number>) =>
    Object.entries(values)
      .map(([name, count]) => `${name || "none"}:${count}`)
      .join(",") || "-";
  const columns: TrafficColumn[] = [
    ...(step === 0 ? [] : [["time (UTC)", (row: TrafficRow) => row.time ?? ""] as TrafficColumn]),
    ...groups.map(
      (name): TrafficColumn => [
        name,
        (row) => nameText(row[name], wide ? Number.POSITIVE_INFINITY : undefined),
      ],
    ),
    ["requests", (row) => String(row.requests)],
    ["qps", (row) => rate(row.qps)],
    ["errors", (row) => percent(row.errors, row.requests)],
    ["client errors", (row) => percent(row.client_errors, row.requests)],
    ["refused", (row) => percent(row.refused, row.requests)],
    ["p50", (row) => milliseconds(row.p50)],
    ["p90", (row) => milliseconds(row.p90)],
    ["p99", (row) => milliseconds(row.p99)],
    ["in flight", (row) => rate(row.in_flight)],
    ["received", (row) => byteCount(row.bytes_received)],
    ["sent", (row) => byteCount(row.bytes_sent)],
    ...modelColumns(rows, wide),
    ...(wide
      ? ([
          ["codes", (row) => counts(row.codes)],
          ["reasons", (row) => counts(row.reasons)],
          ["would refuse", (row) => String(row.would_refuse)],
        ] as TrafficColumn[])
      : []),
  ];
  return table(
    columns.map(([heading]) => heading),
    rows.map((row) => columns.map(([, cell]) => cell(row))),
  );
}
