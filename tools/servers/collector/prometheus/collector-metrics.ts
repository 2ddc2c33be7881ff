import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** What Prometheus reads of the collector itself. */
export function collectorMetrics(read: {
  lag: () => Promise<number>;
  storeBytes: () => Promise<number>;
  /** Lines that each export has yet to send. */
  exportLags: () => Promise<Map<string, number>>;
}) {
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
  const exports = (name: string, help: string) =>
    new Counter({ name: `modelgate_collector_export_${name}`, help, labelNames: ["export"], registers });
  return {
    registry,
    lines: new Counter({
      name: "modelgate_collector_lines_total",
      help: "Lines that were read, by source.",
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
      help: "Lines that were stored already.",
      registers,
    }),
    damagedFiles: new Counter({
      name: "modelgate_collector_damaged_files_total",
      help: "Files of stored lines that could not be read, and were set aside.",
      registers,
    }),
    damagedLines: new Counter({
      name: "modelgate_collector_damaged_lines_total",
      help: "Stored lines that were lost with them.",
      registers,
    }),
    commitSeconds: new Histogram({
      name: "modelgate_collector_commit_seconds",
      help: "How long commits of a batch took.",
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    exportedLines: exports("lines_total", "Lines that an export has sent."),
    lostLines: exports(
      "lost_lines_total",
      "Lines that were refused for good, or gone before they were sent.",
    ),
    exportErrors: exports("errors_total", "Attempts of an export that failed."),
    exportLag: new Gauge({
      name: "modelgate_collector_export_lag_lines",
      help: "Lines that an export has yet to send.",
      labelNames: ["export"],
      registers,
      async collect() {
        for (const [name, lag] of await read.exportLags()) this.set({ export: name }, lag);
      },
    }),
    newestLine: new Gauge({
      name: "modelgate_collector_newest_line_timestamp_seconds",
      help: "When the newest request that was committed began, in seconds since the epoch.",
      registers,
    }),
  };
}

export type CollectorMetrics = ReturnType<typeof collectorMetrics>;
