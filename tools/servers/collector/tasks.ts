import type { CollectorOptions } from "./options.ts";
import { Periodic } from "./periodic.ts";
import type { TrafficMetrics } from "./prometheus/traffic-metrics.ts";
import type { Maintenance } from "./store/maintenance.ts";

const MAINTENANCE_MS = 10_000;
const SENDER_TOKENS_MS = 10_000;

/** What a collector does from time to time, beside taking lines in. */
export function periodicTasks(
  options: CollectorOptions,
  maintenance: Maintenance,
  traffic: TrafficMetrics,
): Periodic[] {
  const { log } = options;
  const tidying = new Periodic(
    MAINTENANCE_MS,
    () => maintenance.runOnce(),
    (error) => log.error({ err: error }, "the store can't be tidied up"),
  );
  return [tidying, ...senderTokensTask(options), ...otlpMetricsTask(options, traffic)];
}

function senderTokensTask({
  senderTokens,
  senderTokensMs = SENDER_TOKENS_MS,
  log,
}: CollectorOptions): Periodic[] {
  if (senderTokens === undefined) return [];
  const renew = async () => {
    if (await senderTokens.renew()) log.info("the senders' tokens are read anew");
  };
  return [
    new Periodic(senderTokensMs, renew, (error) =>
      log.error({ err: error }, "the senders' tokens can't be read; those of before stay"),
    ),
  ];
}

function otlpMetricsTask(
  { exports, otlpMetricsMs, log }: CollectorOptions,
  traffic: TrafficMetrics,
): Periodic[] {
  const { otlp } = exports;
  if (otlp === undefined) return [];
  const send = async () => {
    const { sendOtlpMetrics } = await import("./exports/otlp-metrics.ts");
    await sendOtlpMetrics(otlp, traffic.all());
  };
  return [
    new Periodic(otlpMetricsMs, send, (error) =>
      log.warn({ err: error }, "the metrics were not sent; the next time they are"),
    ),
  ];
}
