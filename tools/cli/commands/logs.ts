import { Command, Option } from "commander";
import { CollectorClient } from "../../servers/collector/client.ts";
import { type LogLine, logsQueryOf } from "../../servers/collector/query/logs.ts";
import { rangeOf } from "../../servers/collector/query/parameters.ts";
import { addTrafficOptions, filterParameters, type TrafficOptions } from "../options/traffic.ts";
import { duration, wholeNumber } from "../options/units.ts";

interface Options extends TrafficOptions {
  since?: string;
  until?: string;
  code?: string[];
  reason?: string[];
  decision?: string[];
  requestId?: string[];
  traceId?: string[];
  slowerThan?: number;
  tail: number;
  follow?: true;
  output?: "json";
}

export function logsCommand(): Command {
  const command = new Command("logs")
    .description("Print access log lines that the collector has stored, newest last")
    .argument("[file...]", "log files to read instead of asking a collector");
  addTrafficOptions(command)
    .option(
      "--since <time>",
      "start of the time range: RFC 3339, or a duration back from now such as 15m or 7d (default: 15m; of files: all)",
    )
    .option("--until <time>", "end of the time range (default: now)")
    .option("--code <codes...>", "only these response codes: 503, 5xx, 500-504")
    .option("--reason <reason...>", "only requests refused for these reasons")
    .addOption(
      new Option("--decision <decision...>", "only requests with these decisions").choices([
        "allowed",
        "refused",
        "would_refuse",
      ]),
    )
    .option("--request-id <id...>", "only these requests")
    .option("--trace-id <id...>", "only requests of these traces")
    .option("--slower-than <duration>", "only requests that took longer, such as 200ms or 2s", slower)
    .option("--tail <n>", "largest number of lines", wholeNumber, 100)
    .option("-f, --follow", "keep printing new lines")
    .addOption(new Option("-o, --output <format>", "output format").choices(["json"]));
  return command.action(logs);
}

async function logs(files: string[], options: Options): Promise<void> {
  const parameters = filterParameters(options);
  const { since, until, code, reason, decision, requestId, traceId, slowerThan, tail, follow } = options;
  const matched = { code, reason, decision, request_id: requestId, trace_id: traceId };
  for (const [name, values] of Object.entries(matched))
    for (const value of values ?? []) parameters.append(name, value);
  if (since !== undefined) parameters.set("from", since);
  if (until !== undefined) parameters.set("to", until);
  if (slowerThan !== undefined) parameters.set("slower_than", String(slowerThan));
  if (files.length > 0 && follow) throw new Error("--follow: needs a collector, not files");
  const text = options.output === "json" ? (line: LogLine) => JSON.stringify(line) : asText;
  for await (const line of files.length > 0
    ? await readFiles(files, parameters, tail)
    : readCollector(options, parameters, tail))
    process.stdout.write(`${text(line)}\n`);
}

async function readFiles(files: string[], parameters: URLSearchParams, tail: number): Promise<LogLine[]> {
  // The database is large, and the package leaves it to those who read files.
  const { OfflineLogs } = await import("../../servers/collector/offline.ts");
  const offline = await OfflineLogs.open(files);
  const range = parameters.has("from") ? rangeOf(parameters) : await offline.range();
  return offline.logs(logsQueryOf(parameters), range, tail);
}

function readCollector(
  { collector, follow }: Options,
  parameters: URLSearchParams,
  tail: number,
): AsyncGenerator<LogLine> {
  parameters.set("limit", String(tail));
  if (follow) parameters.set("follow", "true");
  return new CollectorClient(collector).lines("/api/v1/logs", parameters);
}

/** One line a person can read: what was asked, what became of it, and for whom. */
function asText(line: LogLine): string {
  const text = (name: string) => String(line[name] ?? "-");
  const outcome =
    line.reason ?? line.would_refuse ?? (line.response_flags === "-" ? undefined : line.response_flags);
  return [
    text("start_time"),
    text("response_code"),
    `${text("duration")}ms`,
    `${text("tenant")}/${text("taskid")}${line.version === undefined ? "" : `@${line.version}`}`,
    text("method"),
    text("path"),
    ...(outcome === undefined ? [] : [String(outcome)]),
  ].join("  ");
}

function slower(text: string): number {
  return text.endsWith("ms") && !Number.isNaN(Number(text.slice(0, -2)))
    ? Number(text.slice(0, -2))
    : duration(text);
}
