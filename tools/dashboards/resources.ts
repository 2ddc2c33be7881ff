import {
  type Dashboard,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboard } from "./panels.ts";
import { lines, PROMETHEUS } from "./prometheus-queries.ts";

const GATEWAY = 'namespace=~"$namespace", container="istio-proxy"';
const MODELS = 'namespace=~"$namespace", container!="", container!="POD", container!="istio-proxy"';

/** What the containers of gateways and model servers use, as cAdvisor in each kubelet measures it. */
export function resourcesDashboard(): Dashboard {
  const result = dashboard(
    "modelgate-resources",
    "Resources",
    "Containers of gateways and model servers, from cAdvisor in each kubelet.",
  )
    .withVariable(new DatasourceVariableBuilder("prometheus").label("Prometheus").type("prometheus"))
    .withVariable(
      new QueryVariableBuilder("namespace")
        .label("Namespace")
        .datasource(PROMETHEUS)
        .query("label_values(container_cpu_usage_seconds_total, namespace)")
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .sort(VariableSort.AlphabeticalAsc)
        .multi(true)
        .includeAll(true),
    );
  for (const [row, selector] of [
    ["Gateways", GATEWAY],
    ["Model servers", MODELS],
  ] as const) {
    const sum = (metric: string) => `sum by (namespace, pod) (${metric}{${selector}})`;
    const rate = (metric: string) =>
      `sum by (namespace, pod) (rate(${metric}{${selector}}[$__rate_interval]))`;
    const pod = "{{namespace}}/{{pod}}";
    result
      .withRow(new RowBuilder(row))
      .withPanel(lines("CPU", "short", [[rate("container_cpu_usage_seconds_total"), pod]]))
      .withPanel(lines("Memory: working set", "bytes", [[sum("container_memory_working_set_bytes"), pod]]))
      .withPanel(
        lines("CPU throttling: share of periods", "percentunit", [
          [
            `${rate("container_cpu_cfs_throttled_periods_total")} / ${rate("container_cpu_cfs_periods_total")}`,
            pod,
          ],
        ]),
      )
      .withPanel(
        lines("Memory: share of the limit", "percentunit", [
          [
            `${sum("container_memory_working_set_bytes")} / (${sum("container_spec_memory_limit_bytes")} > 0)`,
            pod,
          ],
        ]),
      )
      .withPanel(
        lines("Killed for memory", "short", [
          [
            `sum by (namespace, pod) (increase(container_oom_events_total{${selector}}[$__rate_interval]))`,
            pod,
          ],
        ]),
      )
      .withPanel(
        lines("Network", "Bps", [
          [
            'sum by (namespace, pod) (rate(container_network_receive_bytes_total{namespace=~"$namespace"}[$__rate_interval]))',
            `${pod} in`,
          ],
          [
            'sum by (namespace, pod) (rate(container_network_transmit_bytes_total{namespace=~"$namespace"}[$__rate_interval]))',
            `${pod} out`,
          ],
        ]),
      );
  }
  return result.build();
}
