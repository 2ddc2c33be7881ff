import type { Logger } from "pino";
import type { CollectorMetrics } from "../prometheus/collector-metrics.ts";
import type { Database } from "../store/database.ts";
import type { LineFiles } from "../store/line-files.ts";
import type { Endpoint } from "./endpoint.ts";
import { Export, type Sink } from "./export.ts";

/** Where lines are sent on to. */
export interface ExportOptions {
  elasticsearch?: (Endpoint & { index: string }) | undefined;
  kafka?: { brokers: string[]; topic: string } | undefined;
  /** Logs, and traffic once a minute. */
  otlp?: Endpoint | undefined;
}

export async function startExports(
  { elasticsearch, kafka, otlp }: ExportOptions,
  parts: { database: Database; files: LineFiles; metrics: CollectorMetrics; log: Logger },
): Promise<Export[]> {
  const { metrics, ...rest } = parts;
  const sinks: Sink[] = [];
  // The clients are large, and most collectors need none of them or one.
  if (elasticsearch !== undefined) {
    const { ElasticsearchSink } = await import("./elasticsearch.ts");
    sinks.push(new ElasticsearchSink(elasticsearch, elasticsearch.index, parts.log));
  }
  if (kafka !== undefined) {
    const { KafkaSink } = await import("./kafka.ts");
    sinks.push(new KafkaSink(kafka.brokers, kafka.topic));
  }
  if (otlp !== undefined) {
    const { OtlpLogsSink } = await import("./otlp-logs.ts");
    sinks.push(new OtlpLogsSink(otlp));
  }
  const exports = sinks.map((sink) => {
    const labels = { export: sink.name };
    const counts = {
      sent: (lines: number) => metrics.exportedLines.inc(labels, lines),
      lost: (lines: number) => metrics.lostLines.inc(labels, lines),
      failed: () => metrics.exportErrors.inc(labels),
    };
    return new Export(sink, { ...rest, counts });
  });
  for (const each of exports) await each.start();
  return exports;
}
