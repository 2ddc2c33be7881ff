import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** What Prometheus reads of the collector itself. */
export function collectorMetrics(read: { lag: () => Promise<number>; storeBytes: () => Promise<number> }) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, value: () => Promise<number>) =>
    new Gauge({
      name: `modelgate_collector_${name}`,
      help,
      registers,
      async collect() {
        this.set(await value());
      },
    });
  gauge("lag_bytes", "Bytes of lines that are not in the store yet.", read.lag);
  gauge("store_bytes", "Bytes of the stored lines.", read.storeBytes);
  return {
    registry,
    lines: new Counter({
      name: "modelgate_collector_lines_total",
      help: "Lines that were read, by where from.",
      labelNames: ["source"],
      registers,
    }),
    rejectedLines: new Counter({
      name: "modelgate_collector_rejected_lines_total",
      help: "Lines that are no log lines.",
      labelNames: ["reason"],
      registers,
    }),
    duplicateLines: new Counter({
      name: "modelgate_collector_duplicate_lines_total",
      help: "Lines that were there already.",
      registers,
    }),
    commitSeconds: new Histogram({
      name: "modelgate_collector_commit_seconds",
      help: "How long commits of a batch took.",
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    newestLine: new Gauge({
      name: "modelgate_collector_newest_line_timestamp_seconds",
      help: "When the newest request that was committed began, in seconds since the epoch.",
      registers,
    }),
  };
}

export type CollectorMetrics = ReturnType<typeof collectorMetrics>;
