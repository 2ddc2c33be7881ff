import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import type { Logger } from "pino";
import { listen, type Tls } from "../http/listener.ts";
import type { ClusterWatch } from "./cluster-events/watch-cluster.ts";
import type { Export } from "./exports/export.ts";
import { type ExportOptions, startExports } from "./exports/start.ts";
import { ownNames } from "./http/foreign.ts";
import { handler, nothing } from "./http/handler.ts";
import { page } from "./http/page.ts";
import { Receiver } from "./http/receive.ts";
import { batchRoutes, routes } from "./http/routes.ts";
import type { SenderTokens } from "./http/sender-tokens.ts";
import { Ingest } from "./ingest.ts";
import { FollowedFiles } from "./input/followed-files.ts";
import type { Input } from "./input/input.ts";
import { Spool } from "./input/spool.ts";
import { Periodic } from "./periodic.ts";
import { collectorMetrics } from "./prometheus/collector-metrics.ts";
import { TrafficMetrics } from "./prometheus/traffic-metrics.ts";
import { addEvents } from "./query/events.ts";
import type { Offset } from "./store/batch.ts";
import { Committer } from "./store/commit.ts";
import { Database } from "./store/database.ts";
import { LineFiles } from "./store/line-files.ts";
import { Maintenance } from "./store/maintenance.ts";
import { RejectedLog } from "./store/rejected-log.ts";

const MAINTENANCE_MS = 10_000;
/** How old the traffic may be that Prometheus gets. */
const TRAFFIC_MS = 2_000;
const SENDER_TOKENS_MS = 10_000;

export interface CollectorOptions {
  /** Folder of the store; made when it is not there. */
  folder: string;
  listen: { host: string; port: number };
  /** Names that readers may call it by, beside its machine's. */
  allowHosts?: string[] | undefined;
  /** Another address, where only batches are taken: for senders that may not read. */
  listenBatches?: { host: string; port: number } | undefined;
  tls?: Tls | undefined;
  /** What senders of batches must have. Default: anybody may send. */
  senderTokens?: SenderTokens | undefined;
  /** How often their file is read again, in milliseconds. */
  senderTokensMs?: number;
  /** Files to follow. */
  globs: string[];
  /** How long lines and traffic are kept, in milliseconds. */
  keepMs: number;
  keepMetricsMs: number;
  /** How many bytes of lines are kept, and how many batches may wait on disk. */
  keepBytes: number;
  spoolBytes: number;
  /** How long a line may wait to be committed, in milliseconds. */
  intervalMs: number;
  /** How many series have labels of their own. */
  topSeries: number;
  exports: ExportOptions;
  /** How often metrics go out by OTLP, in milliseconds. */
  otlpMetricsMs: number;
  /** A cluster whose events, rollouts and limits join the time line. */
  cluster?: KubeConfig | undefined;
  log: Logger;
}

export interface Collector {
  url: string;
  stop(): Promise<void>;
}

/** @throws Error when the store does not open or the address can't be listened on */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const { folder, log } = options;
  await mkdir(folder, { recursive: true });
  const database = await Database.open(folder);
  const offsets = await database.use((connection) =>
    connection.rows<Offset>(
      `SELECT source, path, position::DOUBLE AS position, head_bytes AS "headBytes", head FROM offsets`,
    ),
  );
  const isSpooled = ({ source }: Offset) => source.startsWith("spool:");
  const spool = await Spool.open(join(folder, "spool"), options.spoolBytes, offsets.filter(isSpooled));
  const files = new FollowedFiles(
    options.globs,
    offsets.filter((offset) => !isSpooled(offset)),
    log,
  );
  const inputs: Input[] = [spool, files];
  let exports: Export[] = [];
  const metrics = collectorMetrics({
    lag: async () =>
      (await Promise.all(inputs.map((input) => input.lag()))).reduce((sum, lag) => sum + lag, 0),
    storeBytes: async () => {
      const sum = "SELECT coalesce(sum(bytes), 0)::DOUBLE AS bytes FROM files";
      return (await database.use((connection) => connection.row<{ bytes: number }>(sum))).bytes;
    },
    exportLags: async () => {
      const lags = new Map<string, number>();
      for (const each of exports) lags.set(each.sink.name, await each.lag());
      return lags;
    },
  });
  let seen = 0;
  const trafficMetrics = new TrafficMetrics(metrics.registry, options.topSeries);
  const rejected = new RejectedLog(join(folder, "rejected.log"));
  const committer = await Committer.open(await database.connect(), {
    folder,
    keepMs: options.keepMs,
  });
  const lineFiles = new LineFiles(folder, ({ path, lines }) => {
    metrics.damagedFiles.inc();
    metrics.damagedLines.inc(lines);
    log.error({ path: join(folder, path), lines }, "a file of lines is damaged; it is *.damaged now");
  });
  const maintenance = new Maintenance(await database.connect(), { ...options, files: lineFiles });
  await maintenance.removeUnlisted();
  const ingest = new Ingest({
    ...{ folder, inputs, committer, intervalMs: options.intervalMs, log },
    async onCommitted({ duplicates, newestTime, reasons, samples }, milliseconds, kinds) {
      for (const [source, lines] of kinds) metrics.lines.inc({ source }, lines);
      for (const [reason, lines] of reasons) metrics.rejectedLines.inc({ reason }, lines);
      metrics.duplicateLines.inc(duplicates);
      metrics.commitSeconds.observe(milliseconds / 1_000);
      if (newestTime > 0) metrics.newestLine.set(newestTime / 1_000);
      await rejected.add(samples);
    },
    async onPause() {
      if (Date.now() - seen < TRAFFIC_MS) return;
      seen = Date.now();
      const { traffic, latency } = await committer.unseen.take();
      trafficMetrics.record(traffic, latency);
    },
  });
  const cluster =
    options.cluster &&
    (await watchOf({
      ...{ config: options.cluster, registry: metrics.registry, log },
      add: (events) => database.use((connection) => addEvents(connection, events)),
    }));
  const receiver = new Receiver(spool);
  const all = routes({
    ...{ database, files: lineFiles, receiver, registry: metrics.registry },
    senderTokens: options.senderTokens,
    fault: () => ingest.fault,
    limits: () => cluster?.limits ?? [],
  });
  const onFault = (error: unknown) => log.error({ err: error }, "a request failed");
  const listener = await listen(
    options.listen,
    handler(all, page, onFault, ownNames(options.listen.host, options.allowHosts ?? [])),
    options.tls,
  );
  const { listenBatches } = options;
  const batchListener =
    listenBatches && (await listen(listenBatches, handler(batchRoutes(all), nothing, onFault), options.tls));
  ingest.start();
  cluster?.start().catch((error) => log.error({ err: error }, "the cluster is not watched"));
  exports = await startExports(options.exports, { database, files: lineFiles, metrics, log });
  const { otlp } = options.exports;
  const { senderTokens } = options;
  const periodic = [
    new Periodic(
      MAINTENANCE_MS,
      () => maintenance.runOnce(),
      (error) => log.error({ err: error }, "the store can't be tidied up"),
    ),
    ...(senderTokens === undefined
      ? []
      : [
          new Periodic(
            options.senderTokensMs ?? SENDER_TOKENS_MS,
            async () => {
              if (await senderTokens.renew()) log.info("the senders' tokens are read anew");
            },
            (error) => log.error({ err: error }, "the senders' tokens can't be read; those of before stay"),
          ),
        ]),
    ...(otlp === undefined
      ? []
      : [
          new Periodic(
            options.otlpMetricsMs,
            async () => {
              const { sendOtlpMetrics } = await import("./exports/otlp-metrics.ts");
              await sendOtlpMetrics(otlp, trafficMetrics.all());
            },
            (error) => log.warn({ err: error }, "the metrics were not sent; the next time they are"),
          ),
        ]),
  ];
  for (const each of periodic) each.start();
  const { host } = options.listen;
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    url: `${options.tls === undefined ? "http" : "https"}://${shown}:${listener.port}`,
    async stop() {
      await Promise.all([listener.close(), batchListener?.close()]);
      await cluster?.stop();
      await ingest.stop();
      await Promise.all([...exports, ...periodic].map((each) => each.stop()));
      database.close();
    },
  };
}

/** The client of Kubernetes takes as much memory as the rest, and many collectors need none. */
async function watchOf(options: ConstructorParameters<typeof ClusterWatch>[0]): Promise<ClusterWatch> {
  const { ClusterWatch } = await import("./cluster-events/watch-cluster.ts");
  return new ClusterWatch(options);
}
