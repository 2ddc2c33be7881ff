import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { DataSourceRef } from "@grafana/grafana-foundation-sdk/common";
import {
  type BucketAggregation,
  BucketScriptBuilder,
  DataqueryBuilder,
  DateHistogramBuilder,
  MaxBuilder,
  type MetricAggregation,
  PipelineVariableBuilder,
  SumBuilder,
  TermsBuilder,
  TermsOrder,
} from "@grafana/grafana-foundation-sdk/elasticsearch";
import { timeSeries } from "./panels.ts";

/**
 * Data sources, one an index: of the stream job (manifests/stream/tables.sql), and the collector's export of
 * lines.
 */
export const SOURCES = ["traffic", "outcomes", "latency", "model_calls", "logs"] as const;
type Source = (typeof SOURCES)[number];

export function series(
  filter: string,
  title: string,
  unit: string,
  source: Source,
  queries: { metrics: Builder<MetricAggregation>[]; by?: string; alias?: string }[],
  stacked = false,
) {
  return timeSeries({
    ...{ title, unit, stacked, source: sourceRef(source) },
    queries: queries.map(({ metrics, by, alias = "" }) =>
      aggregated(source, filter, metrics, by).alias(alias),
    ),
  });
}

export function sourceRef(source: Source): DataSourceRef {
  return { type: "elasticsearch", uid: `\${${source}}` };
}

/** Documents a minute, also by the values of a field. */
export function aggregated(
  source: Source,
  filter: string,
  metrics: Builder<MetricAggregation>[],
  by?: string,
  size = 10,
): DataqueryBuilder {
  const numeric = by === "response_code" || by === "milliseconds";
  const buckets: Builder<BucketAggregation>[] = [
    new DateHistogramBuilder()
      .id("minutes")
      .field("@timestamp")
      .settings({ interval: "1m", min_doc_count: "0" }),
  ];
  if (by !== undefined)
    buckets.unshift(
      new TermsBuilder()
        .id("terms")
        .field(numeric ? by : `${by}.keyword`)
        .settings({ order: TermsOrder.Asc, orderBy: "_term", size: String(size), min_doc_count: "1" }),
    );
  return new DataqueryBuilder()
    .datasource(sourceRef(source))
    .query(filter)
    .timeField("@timestamp")
    .metrics(metrics)
    .bucketAggs(buckets);
}

export function sum(field: string, id = "1", hide = false): Builder<MetricAggregation> {
  const builder = new SumBuilder().id(id).field(field);
  return metric("sum", hide ? builder.hide(true) : builder);
}

export function max(field: string): Builder<MetricAggregation> {
  return metric("max", new MaxBuilder().id("1").field(field));
}

/** The library's builders leave the type `unknown`, of which Grafana makes no query. */
export function metric(type: string, builder: Builder<MetricAggregation>): Builder<MetricAggregation> {
  return { build: () => ({ ...builder.build(), type }) as MetricAggregation };
}

export function ratio(field: string): Builder<MetricAggregation>[] {
  const variable = (name: string, id: string) => new PipelineVariableBuilder().name(name).pipelineAgg(id);
  return [
    sum(field, "1", true),
    sum("requests", "2", true),
    metric(
      "bucket_script",
      new BucketScriptBuilder()
        .id("3")
        .pipelineVariables([variable("part", "1"), variable("whole", "2")])
        .settings({ script: "params.whole > 0 ? params.part / params.whole : 0" }),
    ),
  ];
}
