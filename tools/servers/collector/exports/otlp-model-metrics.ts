import type { MetricData } from "@opentelemetry/sdk-metrics";
import { GENAI_METRICS } from "../../../lib/access-log/genai.ts";
import { attributesOf, HISTOGRAMS, type ModelSeries, TOKENS } from "../prometheus/model-metrics.ts";
import { histogramMetric, sumMetric } from "./otlp-points.ts";

/** Calls to language models: histograms by the conventions, and what these have no name for. */
export function modelMetricsOf(series: ModelSeries[], now: number): MetricData[] {
  if (series.length === 0) return [];
  const histograms = Object.values(GENAI_METRICS).map((metric) =>
    histogramMetric(
      metric,
      metric.bounds,
      HISTOGRAMS.filter((each) => each.metric === metric).flatMap(({ kind, attributes, sum }) =>
        series.map((each) => ({
          ...{ since: each.since, now, attributes: { ...attributesOf(each), ...attributes } },
          value: { counts: each.sketches[kind], sum: sum(each) },
        })),
      ),
    ),
  );
  const tokens = series.flatMap((each) =>
    TOKENS.map((type) => ({
      ...{ since: each.since, now, attributes: { ...attributesOf(each), type } },
      value: each.sums[`${type}_tokens`],
    })),
  );
  const costs = series.flatMap((each) =>
    [...each.costs].map(([currency, value]) => ({
      ...{ since: each.since, now, attributes: { ...attributesOf(each), currency }, value },
    })),
  );
  return [
    ...histograms,
    sumMetric(
      { name: "modelgate.tokens", description: "Tokens, estimated ones among them.", unit: "{token}" },
      tokens,
    ),
    sumMetric(
      { name: "modelgate.cost_micros", description: "Cost in millionths of the currency.", unit: "1" },
      costs,
    ),
  ];
}
