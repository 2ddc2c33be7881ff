import type { DataSourceRef } from "@grafana/grafana-foundation-sdk/common";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { stat, timeSeries } from "./panels.ts";
import { labelsOf, partsOf, type Scope } from "./scope.ts";

export const PROMETHEUS: DataSourceRef = { type: "prometheus", uid: `\${prometheus}` };

export type Expressions = ReturnType<typeof expressionsOf>;

/** PromQL of a scope: what its variables select, and by which labels its panels tell parts apart. */
export function expressionsOf(scope: Scope) {
  const selector = labelsOf(scope)
    .map((label) => `${label}=~"$${label}"`)
    .join(", ");
  const rate = (metric: string, by: readonly string[] = []) =>
    `sum${by.length > 0 ? ` by (${by.join(", ")})` : ""} (rate(${metric}{${selector}}[$__rate_interval]))`;
  const quantile = (q: number, by: readonly string[] = []) =>
    `histogram_quantile(${q}, ${rate("modelgate_request_duration_seconds_bucket", ["le", ...by])})`;
  const parts = partsOf(scope);
  return { rate, quantile, parts, legend: parts.map((part) => `{{${part}}}`).join(" ") };
}

/** The ten largest. */
export function top(expression: string): string {
  return `topk(10, ${expression})`;
}

export function query(expr: string, legend: string): DataqueryBuilder {
  return new DataqueryBuilder().expr(expr).legendFormat(legend).datasource(PROMETHEUS);
}

export function single(title: string, unit: string, expr: string) {
  return stat({ title, unit, source: PROMETHEUS, queries: [query(expr, title)] });
}

/** @param queries expression and legend of each */
export function lines(title: string, unit: string, queries: [string, string][], stacked = false) {
  return timeSeries({
    ...{ title, unit, stacked, source: PROMETHEUS },
    queries: queries.map(([expr, legend]) => query(expr, legend)),
  });
}
