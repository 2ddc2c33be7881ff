import { type Command, Option } from "commander";
import { CollectorClient } from "../../servers/collector/client.ts";
import { dimensionsOf, filtersOf, rangeOf, stepOf } from "../../servers/collector/query/parameters.ts";
import { queryTraffic, type Traffic } from "../../servers/collector/query/traffic.ts";
import { RECENT_SECONDS } from "../../servers/collector/store/aggregate.ts";

/** Which requests are asked for, of which collector. */
export interface TrafficOptions {
  collector: string;
  tenant?: string[];
  task?: string[];
  version?: string[];
  gateway?: string[];
}

const COLLECTOR = "http://127.0.0.1:8092";

export function addTrafficOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--collector <url>", "URL of the collector").env("MODELGATE_COLLECTOR").default(COLLECTOR),
    )
    .option("--tenant <name...>", "only requests of these tenants")
    .option("--task <taskid...>", "only requests for these tasks")
    .option("--version <version...>", "only requests for these versions")
    .option("--gateway <name...>", "only requests through these gateways");
}

/** The filters as parameters of the collector's interface. */
export function filterParameters({ tenant, task, version, gateway }: TrafficOptions): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, values] of Object.entries({ tenant, taskid: task, version, gateway }))
    for (const value of values ?? []) parameters.append(name, value);
  return parameters;
}

/** Traffic from the collector, or computed from files. */
export async function readTraffic(
  files: string[],
  collector: string,
  parameters: URLSearchParams,
): Promise<Traffic> {
  if (files.length === 0) return new CollectorClient(collector).json("/api/v1/traffic", parameters);
  // The database is large, and the package leaves it to those who read files.
  const { OfflineLogs } = await import("../../servers/collector/offline.ts");
  const offline = await OfflineLogs.open(files);
  const range = parameters.has("from") ? rangeOf(parameters) : await offline.range();
  return queryTraffic(
    offline.connection,
    {
      range,
      filters: filtersOf(parameters),
      by: dimensionsOf(parameters),
      step: stepOf(parameters, RECENT_SECONDS),
    },
    offline.relations,
  );
}
