import { Command } from "commander";
import { readHeaders } from "../../servers/collector/exports/endpoint.ts";
import { logLevelOption, serverLog, unlessStopped, untilStopped } from "../options/server.ts";

interface Options {
  kafka: string;
  group: string;
  elasticsearch: string;
  elasticsearchHeaders?: string;
  logLevel: string;
}

export function indexerCommand(): Command {
  return new Command("indexer")
    .description(
      "Run the indexer: write the stream job's results from Kafka into Elasticsearch or OpenSearch",
    )
    .requiredOption("--kafka <brokers>", "brokers of the results: host:port,host:port")
    .option("--group <name>", "consumer group, which remembers how far it is", "modelgate-indexer")
    .requiredOption(
      "--elasticsearch <url>",
      "Elasticsearch or OpenSearch, whose indices have the topics' names",
    )
    .option("--elasticsearch-headers <file>", 'file of request headers, one "name: value" per line')
    .addOption(logLevelOption())
    .addHelpText("after", "\nLogs are JSON lines on stderr. On SIGTERM and SIGINT the indexer stops.")
    .action(indexer);
}

async function indexer(options: Options): Promise<void> {
  const log = serverLog(options.logLevel);
  const stopped = untilStopped();
  const { startIndexer } = await import("../../servers/indexer/indexer.ts");
  const starting = startIndexer({
    brokers: options.kafka.split(","),
    group: options.group,
    elasticsearch: {
      url: options.elasticsearch,
      headers: await readHeaders(options.elasticsearchHeaders),
    },
    log,
  });
  const running = await unlessStopped(starting, stopped, log);
  log.info("results are written as they come");
  await Promise.race([stopped, running.ended]);
  await running.stop();
}
