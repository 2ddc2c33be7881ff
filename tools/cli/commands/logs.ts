import { Command, Option } from "commander";
import type { FoundLines } from "../../servers/collector/client.ts";
import { lineQueryOf } from "../../servers/collector/query/line-query.ts";
import type { LogLine } from "../../servers/collector/query/logs.ts";
import { rangeOf } from "../../servers/collector/query/parameters.ts";
import { addTrafficOptions, clientOf, filterParameters, type TrafficOptions } from "../options/traffic.ts";
import { duration, wholeNumber } from "../options/units.ts";
import { LogText } from "../output/log-text.ts";

interface Options extends TrafficOptions {
  since?: string;
  until?: string;
  decision?: string[];
  requestId?: string[];
  traceId?: string[];
  search?: string;
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
    .addOption(
      new Option("--decision <decision...>", "only requests with these decisions").choices([
        "allowed",
        "refused",
        "would_refuse",
      ]),
    )
    .option("--request-id <id...>", "only these requests")
    .option("--trace-id <id...>", "only requests of these traces")
    .option("--search <words>", "only lines that hold these words, in any of their texts")
    .option("--slower-than <duration>", "only requests that took longer, such as 200ms or 2s", slower)
    .option("--tail <n>", "largest number of lines", wholeNumber, 100)
    .option("-f, --follow", "keep printing new lines, also of a collector that starts again")
    .addOption(new Option("-o, --output <format>", "output format").choices(["json"]));
  return command.action(logs);
}

async function logs(files: string[], options: Options): Promise<void> {
  const parameters = parametersOf(options);
  const { follow, output, collector } = options;
  if (files.length > 0 && follow) throw new Error("--follow: needs a collector, not files");
  const text = new LogText(process.stdout.isTTY ? process.stdout.columns : undefined);
  const print = (line: LogLine) =>
    process.stdout.write(`${output === "json" ? JSON.stringify(line) : text.line(line)}\n`);
  const client = await clientOf(options);
  if (follow) {
    const told = {
      found: (matched: number) => sayIfCut(matched, options.tail),
      lost: () => console.error(`${collector} is away; its next lines come when it is back`),
      back: () => console.error(`${collector} is back`),
    };
    for await (const line of client.follow(parameters, told)) print(line);
    return;
  }
  const { matched, lines } =
    files.length > 0 ? await readFiles(files, parameters, options.tail) : await client.logs(parameters);
  text.measure(lines);
  for (const line of lines) print(line);
  sayIfCut(matched, options.tail);
}

function parametersOf(options: Options): URLSearchParams {
  const parameters = filterParameters(options);
  const { since, until, decision, requestId, traceId, search, slowerThan, tail } = options;
  const matched = { decision, request_id: requestId, trace_id: traceId };
  for (const [name, values] of Object.entries(matched))
    for (const value of values ?? []) parameters.append(name, value);
  if (since !== undefined) parameters.set("from", since);
  if (until !== undefined) parameters.set("to", until);
  if (search !== undefined) parameters.set("search", search);
  if (slowerThan !== undefined) parameters.set("slower_than", String(slowerThan));
  parameters.set("limit", String(tail));
  return parameters;
}

function sayIfCut(matched: number, tail: number): void {
  if (matched > tail) console.error(`the newest ${tail} of ${matched} lines; --tail shows more`);
}

async function readFiles(files: string[], parameters: URLSearchParams, tail: number): Promise<FoundLines> {
  // The database is large, and the package leaves it to those who read files.
  const { OfflineLogs } = await import("../../servers/collector/offline.ts");
  const offline = await OfflineLogs.open(files);
  const range = parameters.has("from") ? rangeOf(parameters) : await offline.range();
  const query = lineQueryOf(parameters);
  return { matched: await offline.count(query, range), lines: await offline.logs(query, range, tail) };
}

function slower(text: string): number {
  return text.endsWith("ms") && !Number.isNaN(Number(text.slice(0, -2)))
    ? Number(text.slice(0, -2))
    : duration(text);
}
