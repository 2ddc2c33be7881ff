import {
  type Dashboard,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, LogsBuilder } from "@grafana/grafana-foundation-sdk/elasticsearch";
import { PanelBuilder as Logs } from "@grafana/grafana-foundation-sdk/logs";
import { aggregated, max, metric, ratio, SOURCES, series, sourceRef, sum } from "./elasticsearch-queries.ts";
import { dashboard, heatMap, timeSeries } from "./panels.ts";
import { labelsOf, partsOf, type Scope, titleOf } from "./scope.ts";

/**
 * A dashboard over the documents of the stream job. Documents are of one minute, and so are the steps of its
 * panels.
 */
export function elasticsearchDashboard(scope: Scope): Dashboard {
  const labels = labelsOf(scope);
  const filter = labels.map((label) => `${label}.keyword:"$${label}"`).join(" AND ") || "*";
  const [part = "tenant"] = partsOf(scope);
  const result = dashboard(
    `modelgate-${scope}-elasticsearch`,
    `${titleOf(scope)} (Elasticsearch)`,
    "Traffic as the stream job counts it.",
  );
  addVariables(result, labels);
  addTraffic(result, filter, part);
  addLatency(result, filter, scope, part);
  addRefusals(result, filter, part);
  addModels(result, filter, part);
  if (scope === "task") addRequests(result, filter);
  return result.build();
}

type Result = ReturnType<typeof dashboard>;

/**
 * The data sources, and the names that narrow a dashboard down, each among those that the ones before leave.
 */
function addVariables(result: Result, labels: string[]): void {
  for (const source of SOURCES) {
    const index = `modelgate-${source.replaceAll("_", "-")}`;
    result.withVariable(
      new DatasourceVariableBuilder(source).label(index).type("elasticsearch").regex(`/${index}/`),
    );
  }
  for (const [i, label] of labels.entries()) {
    const query =
      labels
        .slice(0, i)
        .map((each) => `${each}.keyword:"$${each}"`)
        .join(" AND ") || "*";
    result.withVariable(
      new QueryVariableBuilder(label)
        .label(label === "taskid" ? "Task" : "Tenant")
        .datasource(sourceRef("traffic"))
        .query(JSON.stringify({ find: "terms", field: `${label}.keyword`, query, size: 2000 }))
        .refresh(VariableRefresh.OnTimeRangeChanged),
    );
  }
}

function addTraffic(result: Result, filter: string, part: string): void {
  result
    .withRow(new RowBuilder("Traffic"))
    .withPanel(
      series(
        filter,
        "Requests",
        "reqps",
        "traffic",
        [{ metrics: [sum("qps")], by: part, alias: "{{term}}" }],
        true,
      ),
    )
    .withPanel(
      series(
        filter,
        "Requests a minute by status",
        "short",
        "outcomes",
        [{ metrics: [sum("requests")], by: "response_code" }],
        true,
      ),
    )
    .withPanel(
      series(
        filter,
        "Requests a minute by outcome",
        "short",
        "outcomes",
        [{ metrics: [sum("requests")], by: "outcome" }],
        true,
      ),
    )
    .withPanel(
      series(filter, "Server error ratio", "percentunit", "traffic", [
        { metrics: ratio("errors"), by: part },
      ]),
    )
    .withPanel(
      series(filter, "Bytes a minute", "bytes", "traffic", [
        { metrics: [sum("bytes_received")], alias: "received" },
        { metrics: [sum("bytes_sent")], alias: "sent" },
      ]),
    );
}

function addLatency(result: Result, filter: string, scope: Scope, part: string): void {
  result
    .withRow(new RowBuilder("Latency"))
    .withPanel(
      series(filter, `Latency of the slowest ${scope === "task" ? "version" : "task"}`, "ms", "traffic", [
        { metrics: [max("p50")], alias: "p50" },
        { metrics: [max("p90")], alias: "p90" },
        { metrics: [max("p99")], alias: "p99" },
      ]),
    )
    .withPanel(
      heatMap({
        title: "Latency heat map",
        unit: "ms",
        source: sourceRef("latency"),
        queries: [aggregated("latency", filter, [sum("requests")], "milliseconds", 500)],
      }),
    )
    .withPanel(series(filter, "p99", "ms", "traffic", [{ metrics: [max("p99")], by: part }]))
    .withPanel(
      series(filter, "Requests in flight", "short", "traffic", [{ metrics: [sum("in_flight")], by: part }]),
    );
}

function addRefusals(result: Result, filter: string, part: string): void {
  result
    .withRow(new RowBuilder("Refusals"))
    .withPanel(
      timeSeries({
        ...{
          title: "Refusals a minute by reason",
          unit: "short",
          stacked: true,
          source: sourceRef("outcomes"),
        },
        queries: [
          aggregated("outcomes", `${filter} AND outcome.keyword:"refused"`, [sum("requests")], "reason"),
        ],
      }),
    )
    .withPanel(
      series(filter, "Would be refused a minute (dry run)", "short", "traffic", [
        { metrics: [sum("would_refuse")], by: part },
      ]),
    );
}

/** Language models; empty where nobody calls one. */
function addModels(result: Result, filter: string, part: string): void {
  result
    .withRow(new RowBuilder("Language models"))
    .withPanel(
      series(filter, "Tokens a minute", "short", "model_calls", [
        { metrics: [sum("input_tokens")], alias: "input" },
        { metrics: [sum("cached_tokens")], alias: "cached" },
        { metrics: [sum("output_tokens")], alias: "output" },
        { metrics: [sum("reasoning_tokens")], alias: "reasoning" },
      ]),
    )
    .withPanel(
      series(filter, "Cost a minute, millionths", "short", "model_calls", [
        { metrics: [sum("cost_micros")], by: part },
      ]),
    )
    .withPanel(
      series(filter, "Cost a minute by credential, millionths", "short", "model_calls", [
        { metrics: [sum("cost_micros")], by: "credential" },
      ]),
    );
}

function addRequests(result: Result, filter: string): void {
  result.withRow(new RowBuilder("Requests")).withPanel(
    new Logs()
      .title("Failed and refused requests")
      .datasource(sourceRef("logs"))
      .span(24)
      .height(12)
      .withTarget(
        new DataqueryBuilder()
          .datasource(sourceRef("logs"))
          .query(`${filter} AND response_code:[400 TO 599]`)
          .timeField("@timestamp")
          .metrics([metric("logs", new LogsBuilder().id("1").settings({ limit: "200" }))])
          .bucketAggs([]),
      ),
  );
}
