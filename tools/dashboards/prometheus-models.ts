import { RowBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { GENAI_METRICS, type GenAiMetric, prometheusName } from "../lib/access-log/genai.ts";
import type { dashboard } from "./panels.ts";
import { type Expressions, lines, top } from "./prometheus-queries.ts";
import type { Scope } from "./scope.ts";

/** Language models; empty where nobody calls one. */
export function addModels(
  result: ReturnType<typeof dashboard>,
  scope: Scope,
  { rate, parts, legend }: Expressions,
): void {
  const times = (q: number, metric: GenAiMetric) =>
    `histogram_quantile(${q}, ${rate(`${prometheusName(metric.name, metric.unit)}_bucket`, ["le"])})`;
  const percentiles = (metric: GenAiMetric): [string, string][] => [
    [times(0.5, metric), "p50"],
    [times(0.9, metric), "p90"],
    [times(0.99, metric), "p99"],
  ];
  result
    .withRow(new RowBuilder("Language models"))
    .withPanel(lines("Tokens a second", "short", [[rate("modelgate_tokens_total", ["type"]), "{{type}}"]]))
    .withPanel(
      lines("Tokens a second by part", "short", [[top(rate("modelgate_tokens_total", parts)), legend]]),
    )
    .withPanel(lines("Time to the first token", "s", percentiles(GENAI_METRICS.time_to_first_token_us)))
    .withPanel(lines("Time per output token", "s", percentiles(GENAI_METRICS.time_per_output_token_us)))
    .withPanel(
      lines("Cost an hour", "short", [
        [
          `3600 * ${top(rate("modelgate_cost_micros_total", [...parts, "currency"]))} / 1e6`,
          `${legend} {{currency}}`,
        ],
      ]),
    )
    .withPanel(
      lines("Calls that broke off, and those whose tokens are an estimate", "percentunit", [
        [`${rate("modelgate_aborted_calls_total")} / ${rate("modelgate_model_calls_total")}`, "broken off"],
        [`${rate("modelgate_estimated_calls_total")} / ${rate("modelgate_model_calls_total")}`, "estimated"],
      ]),
    );
  const ofTenant = scope === "fleet" ? "" : '{tenant=~"$tenant"}';
  result.withPanel(
    lines("Budgets: percent spent", "percent", [
      [`max by (tenant, budget) (modelgate_budget_used_percent${ofTenant})`, "{{tenant}} {{budget}}"],
    ]),
  );
}
