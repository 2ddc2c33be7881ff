import { pino } from "pino";
import type { Registry } from "prom-client";
import {
  GENAI_ATTRIBUTES,
  GENAI_METRICS,
  GENAI_VERSION,
  PROVIDER,
  prometheusName,
} from "../../../tools/lib/access-log/genai.ts";
import { RolloutMetrics } from "../../../tools/servers/collector/cluster-events/rollout-metrics.ts";
import { DIMENSIONS } from "../../../tools/servers/collector/fields.ts";
import { collectorMetrics } from "../../../tools/servers/collector/prometheus/collector-metrics.ts";
import { ModelMetrics } from "../../../tools/servers/collector/prometheus/model-metrics.ts";
import { TrafficMetrics } from "../../../tools/servers/collector/prometheus/traffic-metrics.ts";
import { Limits } from "../../../tools/servers/controller/limits.ts";
import { controllerMetrics } from "../../../tools/servers/controller/metrics.ts";
import { Operator } from "../../../tools/servers/operator/operator.ts";
import { page, plain, table } from "./markdown.ts";

/** What the filters count in Envoy's stats; a test compares it with the code. */
export const FILTER_METRICS: Record<string, string> = {
  "modelgate.refused.<reason>": "counter: requests refused for that reason, in a dry run too",
  "modelgate.log.sent": "counter: log lines that the collector took (batches)",
  "modelgate.log.dropped": "counter: log lines that found no room, or that the collector refused (batches)",
  "modelgate.log.failures": "counter: batches that were not taken",
  "modelgate.controller_reports": "counter: reports sent to the controller",
  "modelgate.controller_failures": "counter: reports without an answer",
  "modelgate.controller_replies_ignored": "counter: answers of the controller that did not parse",
  "modelgate.vm_memory_bytes": "gauge: memory of the largest VM",
  "modelgate.version.<version>": "gauge: when a VM of that version of the filter last lived, Unix seconds",
};

/** Metrics of collector and controller, as their registries have them. */
export async function metricsPage(): Promise<string> {
  return page(
    "Metrics",
    "Prometheus scrapes `/metrics` of the collector (port 8092) and of each controller (port 8091). Both also export Node's default metrics (`process_*`, `nodejs_*`). Alerts and dashboards over them: [Monitoring](../../manifests/monitoring/README.md).",
    "## Collector",
    await ofRegistry(collectorRegistry()),
    "## Language models, by OpenTelemetry's conventions",
    `Names of the semantic conventions for generative AI (${GENAI_VERSION}; their status is Development), in \`tools/lib/access-log/genai.ts\` alone. Histograms go to OTLP by these names, and to Prometheus by those of OpenTelemetry's translation; each has the dimensions of traffic and \`${GENAI_ATTRIBUTES.operation}\`, \`${GENAI_ATTRIBUTES.provider}\` (\`${PROVIDER}\`, whose API callers speak), \`${GENAI_ATTRIBUTES.model}\` (the task). Tokens that are an estimate are in none of them, as the conventions ask. The conventions have no name for money.`,
    genAiMetrics(),
    "Attributes of log records (OTLP) and spans, by the field of the line:",
    genAiAttributes(),
    "## Controller",
    await ofRegistry(controllerRegistry()),
    "## Filters",
    "In Envoy's stats, `/stats` of its admin interface, with Envoy's prefix `wasmcustom.`.",
    table(
      ["metric", "tells"],
      Object.entries(FILTER_METRICS).map(([name, tells]) => [`\`${name}\``, tells]),
    ),
  );
}

function genAiMetrics(): string {
  const rows = Object.values(GENAI_METRICS).map(({ name, unit, description }) => [
    `\`${name}\``,
    `\`${prometheusName(name, unit)}\``,
    `\`${unit}\``,
    plain(description),
  ]);
  return table(["OTLP", "Prometheus", "unit", "tells"], rows);
}

function genAiAttributes(): string {
  const { token_type, ...ofLines } = GENAI_ATTRIBUTES;
  const rows = Object.entries(ofLines).map(([field, name]) => [`\`${name}\``, `\`${field}\``]);
  return table(["attribute", "from"], rows);
}

function collectorRegistry(): Registry {
  const { registry } = collectorMetrics({
    lag: async () => 0,
    storeBytes: async () => 0,
    exportLags: async () => new Map(),
  });
  new TrafficMetrics(registry, 1);
  new ModelMetrics(registry);
  new RolloutMetrics(registry);
  return registry;
}

/** With what the operator adds in a cluster. Nothing is started. */
function controllerRegistry(): Registry {
  const log = pino({ level: "silent" });
  const { registry } = controllerMetrics(new Limits({ log } as never), { isLeader: true } as never);
  // Private, as only `start` calls it: which would ask a cluster.
  const operator = new Operator({ log } as never) as unknown as { measure(registry: Registry): void };
  operator.measure(registry);
  return registry;
}

async function ofRegistry(registry: Registry): Promise<string> {
  const own = (await registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith("modelgate_"));
  const rows = own.map(({ name, help }) => {
    const { labelNames } = registry.getSingleMetric(name) as unknown as { labelNames?: string[] };
    // The traffic's histogram is not one of prom-client's.
    const labels = labelNames ?? DIMENSIONS;
    return [`\`${name}\``, labels.map((label) => `\`${label}\``).join(", "), plain(help)];
  });
  return table(["metric", "labels", "tells"], rows);
}
