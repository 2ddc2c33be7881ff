import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import { elasticsearchDashboard } from "./elasticsearch.ts";
import { prometheusDashboard } from "./prometheus.ts";
import { resourcesDashboard } from "./resources.ts";
import { SCOPES } from "./scope.ts";

export const FOLDER = new URL("../../manifests/monitoring/", import.meta.url);

/** The files of manifests/monitoring that are written by `npm run dashboards`: text by path. */
export async function monitoringFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const dashboards = [
    ...SCOPES.flatMap((scope) => [prometheusDashboard(scope), elasticsearchDashboard(scope)]),
    resourcesDashboard(),
  ];
  for (const dashboard of dashboards)
    files.set(
      `grafana/${dashboard.uid?.replace("modelgate-", "")}.json`,
      `${JSON.stringify(dashboard, null, 2)}\n`,
    );
  files.set("prometheus-rule.yaml", await prometheusRule());
  return files;
}

/** The alert rules as the Prometheus operator takes them. */
async function prometheusRule(): Promise<string> {
  const { groups } = parse(await readFile(fileURLToPath(new URL("modelgate.rules.yaml", FOLDER)), "utf8"));
  const rule = {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name: "modelgate", labels: { "app.kubernetes.io/part-of": "modelgate" } },
    spec: { groups },
  };
  return `# Written by \`npm run dashboards\` from modelgate.rules.yaml.\n${stringify(rule, { lineWidth: 0 })}`;
}
