import { Command, InvalidArgumentError, Option } from "commander";
import type { Logger } from "pino";
import { type ConnectOptions, connect, connectOptions } from "../../lib/kubernetes/connect.ts";
import type { Milliseconds } from "../../lib/units.ts";
import { readHeaders } from "../../servers/collector/exports/endpoint.ts";
import type { ExportOptions } from "../../servers/collector/exports/start.ts";
import { ReaderTokens } from "../../servers/collector/http/reader-tokens.ts";
import { SenderTokens } from "../../servers/collector/http/sender-tokens.ts";
import { readTls } from "../../servers/http/tls-files.ts";
import {
  type Address,
  address,
  isLoopback,
  logLevelOption,
  serverLog,
  unlessStopped,
  untilStopped,
} from "../options/server.ts";
import { bytes, duration, wholeNumber, withDefault } from "../options/units.ts";

interface Options extends ConnectOptions {
  kubernetes?: boolean;
  listen: Address;
  allowHost?: string[];
  listenBatches?: Address;
  store: string;
  keep: number;
  keepMetrics: number;
  keepBytes: number;
  spoolBytes: number;
  interval: Milliseconds;
  topSeries: number;
  elasticsearch?: string;
  elasticsearchIndex: string;
  elasticsearchHeaders?: string;
  kafka?: string;
  kafkaTopic: string;
  otlp?: string;
  otlpHeaders?: string;
  tlsCert?: string;
  tlsKey?: string;
  clientCa?: string;
  senderTokenFile?: string;
  readerTokenFile?: string;
  traceUrl?: string;
  controllerUrl?: string[];
  logLevel: string;
}

const OTLP_METRICS_MS = 60_000;

export function collectorCommand(): Command {
  const command = new Command("collector")
    .description("Run the collector: store access logs, compute traffic metrics, serve the traffic page")
    .argument("[file...]", "access logs to follow; globs also match files that appear later")
    .addOption(
      new Option("--store <folder>", "folder for lines and metrics")
        .default("modelgate-logs")
        .env("MODELGATE_COLLECTOR_STORE"),
    )
    .addOption(
      withDefault("--listen <host:port>", "address to listen on", address, "127.0.0.1:8092").env(
        "MODELGATE_COLLECTOR_LISTEN",
      ),
    )
    .option(
      "--allow-host <name>",
      "host name that readers may use, besides localhost, this machine's name and IP addresses; repeatable",
      (name: string, before: string[] = []) => [...before, name],
    )
    .option(
      "--controller-url <url>",
      "address of a controller's metrics, whose budgets the page shows, such as http://127.0.0.1:8091; repeatable, as only the leader tells of them",
      (url: string, before: string[] = []) => [...before, url],
    )
    .option("--listen-batches <host:port>", "second address that only accepts batches of lines", address)
    .addOption(withDefault("--keep <duration>", "how long to keep lines", duration, "7d"))
    .addOption(
      withDefault("--keep-bytes <bytes>", "how many bytes of lines to keep, such as 20Gi", bytes, "20Gi"),
    )
    .addOption(
      withDefault("--keep-metrics <duration>", "how long to keep metrics and events", duration, "30d"),
    )
    .addOption(
      withDefault(
        "--spool-bytes <bytes>",
        "bytes that may wait on disk before senders get 503",
        bytes,
        "1Gi",
      ),
    )
    .addOption(withDefault("--interval <duration>", "longest time before a line is stored", duration, "1s"))
    .option("--top-series <n>", "number of series with their own labels in /metrics", wholeNumber, 1_000);
  withExports(command)
    .option("--tls-cert <file>", "certificate chain (PEM)")
    .option("--tls-key <file>", "private key (PEM)")
    .option("--client-ca <file>", "CA of the client certificates of senders and readers (PEM)")
    .option(
      "--sender-token-file <file>",
      "file of bearer tokens, one per line; senders must present one; reloaded when the file changes",
    )
    .option(
      "--reader-token-file <file>",
      "file of readers' tokens, one per line, with the tenants that its reader may see behind it; reloaded when the file changes",
    )
    .addOption(
      new Option(
        "--trace-url <template>",
        "address of a trace in Jaeger, Tempo or the like, for the page's links: https://host/trace/{trace_id}",
      ).argParser(traceTemplate),
    )
    .option("--kubernetes", "show the cluster's events, rollouts and limits on the timeline")
    .addOption(logLevelOption())
    .addHelpText(
      "after",
      "\nLogs are JSON lines on stderr. On SIGTERM and SIGINT the collector stores what it has read, then exits.",
    )
    .action(collector);
  for (const option of connectOptions()) command.addOption(option);
  return command;
}

/** Where lines go besides. */
function withExports(command: Command): Command {
  return command
    .option("--elasticsearch <url>", "also send lines to Elasticsearch or OpenSearch")
    .option("--elasticsearch-index <prefix>", "indices are <prefix>-YYYY.MM.DD", "modelgate-logs")
    .option("--elasticsearch-headers <file>", 'file of request headers, one "name: value" per line')
    .option("--kafka <brokers>", "also send lines to Kafka: host:port,host:port")
    .option("--kafka-topic <name>", "the topic", "modelgate-logs")
    .option("--otlp <url>", "also send lines and metrics by OTLP/HTTP: http://host:4318")
    .option("--otlp-headers <file>", 'file of request headers, one "name: value" per line');
}

async function collector(globs: string[], options: Options): Promise<void> {
  const log = serverLog(options.logLevel);
  const stopped = untilStopped();
  const { tlsCert, tlsKey, clientCa, senderTokenFile, readerTokenFile } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new Error("--tls-cert and --tls-key: give both");
  if (clientCa !== undefined && tlsCert === undefined)
    throw new Error("--client-ca: needs --tls-cert and --tls-key");
  const tls =
    tlsCert === undefined || tlsKey === undefined
      ? undefined
      : await readTls({ cert: tlsCert, key: tlsKey, clientCa });
  if (clientCa === undefined) warnOfOpenness(options, log);
  const { startCollector } = await import("../../servers/collector/collector.ts");
  const starting = startCollector({
    senderTokens: senderTokenFile === undefined ? undefined : await SenderTokens.open(senderTokenFile),
    readerTokens: readerTokenFile === undefined ? undefined : await ReaderTokens.open(readerTokenFile),
    ...{ globs, tls, log, folder: options.store, listen: options.listen },
    ...{ listenBatches: options.listenBatches, allowHosts: options.allowHost, traceUrl: options.traceUrl },
    controllerUrls: options.controllerUrl,
    ...{ keepMs: options.keep, keepBytes: options.keepBytes, keepMetricsMs: options.keepMetrics },
    ...{ spoolBytes: options.spoolBytes, intervalMs: options.interval, topSeries: options.topSeries },
    exports: await exportsOf(options),
    otlpMetricsMs: OTLP_METRICS_MS,
    cluster: options.kubernetes ? (await connect(options)).config : undefined,
  });
  const running = await unlessStopped(starting, stopped, log);
  log.info({ url: running.url }, "the collector takes lines");
  await stopped;
  log.info("stopping");
  await running.stop();
}

function traceTemplate(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text) || !text.includes("{trace_id}"))
    throw new InvalidArgumentError("must be an http or https URL with {trace_id} in it");
  return text;
}

function warnOfOpenness(options: Options, log: Logger): void {
  const { listen, listenBatches = listen, senderTokenFile, readerTokenFile } = options;
  if (!isLoopback(listen.host) && readerTokenFile === undefined)
    log.warn("everybody who reaches the listener can read the log (no --reader-token-file, no --client-ca)");
  if (senderTokenFile === undefined && !(isLoopback(listen.host) && isLoopback(listenBatches.host)))
    log.warn("everybody who reaches the listener can send lines (no --sender-token-file)");
}

async function exportsOf(options: Options): Promise<ExportOptions> {
  const { elasticsearch, kafka, otlp } = options;
  return {
    elasticsearch:
      elasticsearch === undefined
        ? undefined
        : {
            url: elasticsearch,
            headers: await readHeaders(options.elasticsearchHeaders),
            index: options.elasticsearchIndex,
          },
    kafka: kafka === undefined ? undefined : { brokers: kafka.split(","), topic: options.kafkaTopic },
    otlp: otlp === undefined ? undefined : { url: otlp, headers: await readHeaders(options.otlpHeaders) },
  };
}
