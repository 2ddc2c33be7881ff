import {
  type Dashboard,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { dashboard, heatMap } from "./panels.ts";
import { addModels } from "./prometheus-models.ts";
import {
  type Expressions,
  expressionsOf,
  lines,
  PROMETHEUS,
  query,
  single,
  top,
} from "./prometheus-queries.ts";
import { labelsOf, type Scope, titleOf } from "./scope.ts";

/** A dashboard over the metrics of the collector and the controller. */
export function prometheusDashboard(scope: Scope): Dashboard {
  const labels = labelsOf(scope);
  const result = dashboard(
    `modelgate-${scope}`,
    titleOf(scope),
    "Traffic as the collector counts it, limits as the controller shares them.",
  ).withVariable(new DatasourceVariableBuilder("prometheus").label("Prometheus").type("prometheus"));
  for (const [i, label] of labels.entries()) result.withVariable(variable(label, labels.slice(0, i)));
  const expressions = expressionsOf(scope);
  addNumbers(result, expressions);
  addTraffic(result, expressions);
  addLatency(result, expressions);
  addRefusals(result, expressions);
  addModels(result, scope, expressions);
  if (scope === "fleet") addFleet(result);
  else addLimits(result, scope);
  return result.build();
}

type Result = ReturnType<typeof dashboard>;
function addNumbers(result: Result, { rate, quantile }: Expressions): void {
  const requests = rate("modelgate_requests_total");
  result
    .withPanel(single("Requests", "reqps", requests))
    .withPanel(single("Server errors", "percentunit", `${rate("modelgate_errors_total")} / ${requests}`))
    .withPanel(
      single("Callers' errors", "percentunit", `${rate("modelgate_client_errors_total")} / ${requests}`),
    )
    .withPanel(single("Refused", "percentunit", `${rate("modelgate_refused_total")} / ${requests}`))
    .withPanel(single("p50", "s", quantile(0.5)))
    .withPanel(single("p99", "s", quantile(0.99)))
    .withPanel(single("In flight", "short", rate("modelgate_request_duration_seconds_sum")));
}

function addTraffic(result: Result, { rate, parts, legend }: Expressions): void {
  result
    .withRow(new RowBuilder("Traffic"))
    .withPanel(
      lines("Requests by status", "reqps", [[rate("modelgate_requests_total", ["code"]), "{{code}}"]], true),
    )
    .withPanel(
      lines(`Requests by ${parts.join(" and ")}`, "reqps", [
        [top(rate("modelgate_requests_total", parts)), legend],
      ]),
    )
    .withPanel(
      lines(
        "Requests by outcome",
        "reqps",
        [
          [rate("modelgate_served_total"), "served"],
          [rate("modelgate_refused_total"), "refused"],
          [rate("modelgate_client_errors_total"), "caller's error"],
          [rate("modelgate_errors_total"), "server error"],
        ],
        true,
      ),
    )
    .withPanel(
      lines("Server errors by reason", "reqps", [
        [rate("modelgate_error_reasons_total", ["reason"]), "{{reason}}"],
      ]),
    )
    .withPanel(
      lines("Server error ratio", "percentunit", [
        [`${rate("modelgate_errors_total", parts)} / ${rate("modelgate_requests_total", parts)}`, legend],
      ]),
    )
    .withPanel(
      lines("Bytes", "Bps", [
        [rate("modelgate_received_bytes_total"), "received"],
        [rate("modelgate_sent_bytes_total"), "sent"],
      ]),
    );
}

function addLatency(result: Result, { rate, quantile, parts, legend }: Expressions): void {
  result
    .withRow(new RowBuilder("Latency"))
    .withPanel(
      lines("Latency", "s", [
        [quantile(0.5), "p50"],
        [quantile(0.9), "p90"],
        [quantile(0.99), "p99"],
      ]),
    )
    .withPanel(
      heatMap({
        title: "Latency heat map",
        unit: "s",
        source: PROMETHEUS,
        queries: [
          query(rate("modelgate_request_duration_seconds_bucket", ["le"]), "{{le}}").format(
            PromQueryFormat.Heatmap,
          ),
        ],
      }),
    )
    .withPanel(lines(`p99 by ${parts.join(" and ")}`, "s", [[top(quantile(0.99, parts)), legend]]))
    .withPanel(
      lines("Requests in flight", "short", [
        [top(rate("modelgate_request_duration_seconds_sum", parts)), legend],
      ]),
    );
}

function addRefusals(result: Result, { rate, parts }: Expressions): void {
  result
    .withRow(new RowBuilder("Refusals and limits"))
    .withPanel(
      lines(
        "Refusals by reason",
        "reqps",
        [[rate("modelgate_refused_total", ["reason"]), "{{reason}}"]],
        true,
      ),
    )
    .withPanel(
      lines("Would be refused (dry run)", "reqps", [
        [
          rate(
            "modelgate_would_refuse_total",
            parts.filter((part) => part !== "version"),
          ),
          "{{tenant}} {{taskid}} {{gateway}}",
        ],
      ]),
    );
}

function addLimits(result: Result, scope: Exclude<Scope, "fleet">): void {
  const names = scope === "task" ? 'kind="tasks", name=~"$taskid"' : 'kind="tenants", name=~"$tenant"';
  result.withPanel(
    lines("Limit and use", "reqps", [
      [`sum by (gateway) (modelgate_controller_limit_requests_per_second{${names}})`, "limit {{gateway}}"],
      [
        `sum by (gateway) (modelgate_controller_reserved_requests_per_second{${names}})`,
        "in use {{gateway}}",
      ],
      [
        `sum by (gateway) (rate(modelgate_controller_refused_requests{${names}}[$__rate_interval]))`,
        "refused {{gateway}}",
      ],
    ]),
  );
  result.withPanel(rollouts('tenant=~"$tenant"'));
}

function addFleet(result: Result): void {
  result
    .withPanel(
      lines("Limits that are used up most", "percentunit", [
        [
          "topk(10, modelgate_controller_reserved_requests_per_second / (modelgate_controller_limit_requests_per_second > 0))",
          "{{kind}} {{name}} {{gateway}}",
        ],
      ]),
    )
    .withPanel(rollouts(""))
    .withRow(new RowBuilder("Modelgate itself"))
    .withPanel(
      lines("Gateway pods that hold shares", "short", [["modelgate_controller_gateway_pods", "{{gateway}}"]]),
    )
    .withPanel(
      lines("Reports by status", "reqps", [
        ["sum by (status) (rate(modelgate_controller_reports_total[$__rate_interval]))", "{{status}}"],
      ]),
    )
    .withPanel(
      lines("Log lines", "short", [
        ["sum by (source) (rate(modelgate_collector_lines_total[$__rate_interval]))", "{{source}}"],
        [
          "sum by (reason) (rate(modelgate_collector_rejected_lines_total[$__rate_interval]))",
          "rejected: {{reason}}",
        ],
        ["sum (rate(modelgate_collector_duplicate_lines_total[$__rate_interval]))", "duplicates"],
      ]),
    )
    .withPanel(
      lines("How far the collector is behind", "s", [
        ["time() - max(modelgate_collector_newest_line_timestamp_seconds)", "age of the newest line"],
      ]),
    )
    .withPanel(
      lines("Lines that wait, lines that are kept", "bytes", [
        ["sum(modelgate_collector_lag_bytes)", "not stored yet"],
        ["sum(modelgate_collector_store_bytes)", "stored"],
      ]),
    )
    .withPanel(
      lines("Lines that exports have not sent", "short", [
        ["modelgate_collector_export_lag_lines", "{{export}}"],
      ]),
    )
    .withPanel(
      lines("How long the controller takes for a report", "s", [
        [
          "histogram_quantile(0.99, sum by (le) (rate(modelgate_controller_report_seconds_bucket[$__rate_interval])))",
          "p99",
        ],
      ]),
    );
}

function rollouts(selector: string) {
  return lines("Rollouts", "short", [[`modelgate_rollout_phase{${selector}} == 1`, "{{gateway}} {{phase}}"]]);
}

function variable(label: string, chosen: string[]): QueryVariableBuilder {
  const selector = chosen.map((each) => `${each}=~"$${each}"`).join(", ");
  return new QueryVariableBuilder(label)
    .label(label === "taskid" ? "Task" : titleOf(label as Scope))
    .datasource(PROMETHEUS)
    .query(`label_values(modelgate_requests_total{${selector}}, ${label})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);
}
