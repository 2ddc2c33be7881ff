import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { ClusterWatch } from "./cluster-events/watch-cluster.ts";
import type { Export } from "./exports/export.ts";
import { startExports } from "./exports/start.ts";
import { Receiver } from "./http/receive.ts";
import { routes } from "./http/routes.ts";
import { serve } from "./http/serve.ts";
import { Ingest } from "./ingest.ts";
import type { Input } from "./input/input.ts";
import { openInputs } from "./input/open.ts";
import type { CollectorOptions } from "./options.ts";
import { type CollectorMetrics, collectorMetrics } from "./prometheus/collector-metrics.ts";
import { ModelMetrics } from "./prometheus/model-metrics.ts";
import { TrafficMetrics } from "./prometheus/traffic-metrics.ts";
import { BudgetSource } from "./query/budgets.ts";
import { addEvents } from "./query/events.ts";
import { Committer } from "./store/commit.ts";
import { Database } from "./store/database.ts";
import { LineFiles } from "./store/line-files.ts";
import { Maintenance } from "./store/maintenance.ts";
import { RejectedLog } from "./store/rejected-log.ts";
import { periodicTasks } from "./tasks.ts";

/** How old the traffic may be that Prometheus gets. */
const TRAFFIC_MS = 2_000;

export interface Collector {
  url: string;
  stop(): Promise<void>;
}

/** @throws Error when the store does not open or the address can't be listened on */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const { folder, keepMs, log } = options;
  await mkdir(folder, { recursive: true });
  const database = await Database.open(folder);
  const { spool, followed } = await openInputs(database, options);
  const inputs: Input[] = [spool, followed];
  const exports: Export[] = [];
  const metrics = metricsOf(database, inputs, exports);
  const traffic = new TrafficMetrics(metrics.registry, options.topSeries);
  const models = new ModelMetrics(metrics.registry);
  const committer = await Committer.open(await database.connect(), { folder, keepMs });
  const files = lineFilesOf(options, metrics);
  const maintenance = new Maintenance(await database.connect(), { ...options, files });
  await maintenance.removeUnlisted();
  const ingest = ingestOf(options, { inputs, committer, metrics, traffic, models });
  const cluster = await watchOf(options, database, metrics);
  const server = await serve(
    routes({
      ...{ database, files, receiver: new Receiver(spool), registry: metrics.registry },
      senderTokens: options.senderTokens,
      traceUrl: options.traceUrl,
      fault: () => ingest.fault,
      limits: () => cluster?.limits ?? [],
      budgets: new BudgetSource(options.controllerUrls ?? []),
    }),
    options,
  );
  ingest.start();
  cluster?.start().catch((error) => log.error({ err: error }, "the cluster is not watched"));
  exports.push(...(await startExports(options.exports, { database, files, metrics, log })));
  const tasks = periodicTasks(options, maintenance, { traffic, models });
  for (const each of tasks) each.start();
  return {
    url: server.url,
    async stop() {
      await server.close();
      await cluster?.stop();
      await ingest.stop();
      await Promise.all([...exports, ...tasks].map((each) => each.stop()));
      database.close();
    },
  };
}

/** @param exports those that there are by the time that the metrics are read */
function metricsOf(database: Database, inputs: Input[], exports: Export[]): CollectorMetrics {
  return collectorMetrics({
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
}

function lineFilesOf({ folder, log }: CollectorOptions, metrics: CollectorMetrics): LineFiles {
  return new LineFiles(folder, ({ path, lines }) => {
    metrics.damagedFiles.inc();
    metrics.damagedLines.inc(lines);
    log.error({ path: join(folder, path), lines }, "a file of lines is damaged; it is *.damaged now");
  });
}

function ingestOf(
  { folder, intervalMs, log }: CollectorOptions,
  parts: {
    inputs: Input[];
    committer: Committer;
    metrics: CollectorMetrics;
    traffic: TrafficMetrics;
    models: ModelMetrics;
  },
): Ingest {
  const { inputs, committer, metrics, traffic, models } = parts;
  const rejected = new RejectedLog(join(folder, "rejected.log"));
  let seen = 0;
  return new Ingest({
    ...{ folder, inputs, committer, intervalMs, log },
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
      const unseen = await committer.unseen.take();
      traffic.record(unseen.traffic, unseen.latency);
      models.record(unseen.models.calls, unseen.models.sketches);
    },
  });
}

/** The client of Kubernetes takes as much memory as the rest, and many collectors need none. */
async function watchOf(
  { cluster, log }: CollectorOptions,
  database: Database,
  { registry }: CollectorMetrics,
): Promise<ClusterWatch | undefined> {
  if (cluster === undefined) return undefined;
  const { ClusterWatch } = await import("./cluster-events/watch-cluster.ts");
  return new ClusterWatch({
    ...{ config: cluster, registry, log },
    add: (events) => database.use((connection) => addEvents(connection, events)),
  });
}
