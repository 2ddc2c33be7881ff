import type { CollectorOptions } from "./options.ts";
import { Periodic } from "./periodic.ts";
import type { ModelMetrics } from "./prometheus/model-metrics.ts";
import type { TrafficMetrics } from "./prometheus/traffic-metrics.ts";
import type { Maintenance } from "./store/maintenance.ts";

const MAINTENANCE_MS = 10_000;
const TOKENS_MS = 10_000;

/** What is counted for Prometheus and OTLP. */
interface Metrics {
  traffic: TrafficMetrics;
  models: ModelMetrics;
}

/** What a collector does from time to time, beside taking lines in. */
export function periodicTasks(
  options: CollectorOptions,
  maintenance: Maintenance,
  metrics: Metrics,
): Periodic[] {
  const { log } = options;
  const tidying = new Periodic(
    MAINTENANCE_MS,
    () => maintenance.runOnce(),
    (error) => log.error({ err: error }, "the store can't be tidied up"),
  );
  return [tidying, ...tokensTasks(options), ...otlpMetricsTask(options, metrics)];
}

/** Reads files of tokens again, so that one is renewed by having both in it for a while. */
function tokensTasks({
  senderTokens,
  readerTokens,
  tokensMs = TOKENS_MS,
  log,
}: CollectorOptions): Periodic[] {
  const files = { senders: senderTokens, readers: readerTokens };
  return Object.entries(files).flatMap(([whose, tokens]) => {
    if (tokens === undefined) return [];
    const renew = async () => {
      if (await tokens.renew()) log.info(`the ${whose}' tokens are read anew`);
    };
    const onFault = (error: unknown) =>
      log.error({ err: error }, `the ${whose}' tokens can't be read; those of before stay`);
    return new Periodic(tokensMs, renew, onFault);
  });
}

function otlpMetricsTask(
  { exports, otlpMetricsMs, log }: CollectorOptions,
  { traffic, models }: Metrics,
): Periodic[] {
  const { otlp } = exports;
  if (otlp === undefined) return [];
  const send = async () => {
    const { sendOtlpMetrics } = await import("./exports/otlp-metrics.ts");
    await sendOtlpMetrics(otlp, traffic.all(), models.all());
  };
  return [
    new Periodic(otlpMetricsMs, send, (error) =>
      log.warn({ err: error }, "the metrics were not sent; the next time they are"),
    ),
  ];
}
