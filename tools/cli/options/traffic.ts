import { readFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import { OUTCOMES } from "../../lib/access-log/outcome.ts";
import { CollectorClient } from "../../servers/collector/client.ts";
import { lineQueryOf } from "../../servers/collector/query/line-query.ts";
import { filtersOf, groupsOf, rangeOf, stepOf } from "../../servers/collector/query/parameters.ts";
import { queryTraffic, type Traffic } from "../../servers/collector/query/traffic.ts";
import { RECENT_SECONDS } from "../../servers/collector/store/aggregate.ts";

/** Which requests are asked for, of which collector. */
export interface TrafficOptions {
  collector: string;
  collectorTokenFile?: string;
  tenant?: string[];
  task?: string[];
  version?: string[];
  gateway?: string[];
  credential?: string[];
  code?: string[];
  reason?: string[];
  outcome?: string[];
}

const COLLECTOR = "http://127.0.0.1:8092";

export function addTrafficOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--collector <url>", "URL of the collector").env("MODELGATE_COLLECTOR").default(COLLECTOR),
    )
    .addOption(
      new Option(
        "--collector-token-file <file>",
        "file with the reader's token, where the collector asks for one",
      ).env("MODELGATE_COLLECTOR_TOKEN_FILE"),
    )
    .option("--tenant <name...>", "only requests of these tenants")
    .option("--task <taskid...>", "only requests for these tasks")
    .option("--version <version...>", "only requests for these versions")
    .option("--gateway <name...>", "only requests through these gateways")
    .option("--credential <id...>", "only requests with these credentials")
    .option("--code <codes...>", "only these response codes: 0,503 or 5xx or 500-504; 0 is no answer")
    .option("--reason <reason...>", "only requests whose callers got these reasons")
    .addOption(new Option("--outcome <outcome...>", "only requests that ended so").choices(OUTCOMES));
}

/** The filters as parameters of the collector's interface. */
export function filterParameters(options: TrafficOptions): URLSearchParams {
  const { tenant, task, version, gateway, credential, code, reason, outcome } = options;
  const parameters = new URLSearchParams();
  const filters = { tenant, taskid: task, version, gateway, credential, code, reason, outcome };
  for (const [name, values] of Object.entries(filters))
    for (const value of values ?? []) parameters.append(name, value);
  return parameters;
}

/** Asks the collector that the options name. @throws Error when the token's file can't be read */
export async function clientOf({ collector, collectorTokenFile }: TrafficOptions): Promise<CollectorClient> {
  const token = collectorTokenFile && (await readFile(collectorTokenFile, "utf8")).trim();
  return new CollectorClient(collector, token || undefined);
}

/** Traffic from the collector, or computed from files. */
export async function readTraffic(
  files: string[],
  options: TrafficOptions,
  parameters: URLSearchParams,
): Promise<Traffic> {
  if (files.length === 0) return (await clientOf(options)).json("/api/v1/traffic", parameters);
  // The database is large, and the package leaves it to those who read files.
  const { OfflineLogs } = await import("../../servers/collector/offline.ts");
  const offline = await OfflineLogs.open(files);
  const range = parameters.has("from") ? rangeOf(parameters) : await offline.range();
  const by = groupsOf(parameters);
  return queryTraffic(
    offline.connection,
    { range, filters: filtersOf(parameters), by, step: stepOf(parameters, RECENT_SECONDS) },
    offline.relations(lineQueryOf(parameters), by),
  );
}
