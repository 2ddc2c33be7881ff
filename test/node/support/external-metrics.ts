import { readFile } from "node:fs/promises";
import { createServer } from "node:https";
import { join } from "node:path";
import { parse } from "yaml";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { EXTERNAL_METRICS, NODE_IP } from "./addresses.ts";
import { apply } from "./cluster.ts";
import { kubectl } from "./istio.ts";

const RULES = new URL("manifests/autoscaling/prometheus-adapter.yaml", PROJECT_ROOT);
const GROUP_VERSION = "external.metrics.k8s.io/v1beta1";
const PATH = new RegExp(`^/apis/${GROUP_VERSION}/namespaces/[^/]+/([^/]+)$`);

interface Rule {
  seriesQuery: string;
  name: { as: string };
  metricsQuery: string;
}

/**
 * Answers for the external metrics API as prometheus-adapter does by its rules in manifests/autoscaling: the
 * adapter itself can't be built from the Go module proxy.
 * @param folder of the node, with certificates
 * @param prometheus its URL
 * @returns what ends it
 */
export async function serveExternalMetrics(folder: string, prometheus: string): Promise<() => void> {
  const file = (name: string) => readFile(join(folder, name), "utf8");
  const { rules } = parse(await readFile(RULES, "utf8")) as { rules: { external: Rule[] } };
  const tls = { cert: await file("external-metrics.crt"), key: await file("external-metrics.key") };
  const server = createServer(tls, (request, response) => {
    answer(request.url ?? "/", rules.external, prometheus).then(
      (body) => response.writeHead(body ? 200 : 404, { "content-type": "application/json" }).end(body),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => server.listen(EXTERNAL_METRICS.port, NODE_IP, resolve));
  await register(await file("ca.crt"));
  return () => {
    server.closeAllConnections();
    server.close();
  };
}

async function answer(url: string, rules: Rule[], prometheus: string): Promise<string | undefined> {
  const { pathname, searchParams } = new URL(url, "https://node");
  if (pathname === `/apis/${GROUP_VERSION}`) {
    const resource = { singularName: "", namespaced: true, kind: "ExternalMetricValueList", verbs: ["get"] };
    const resources = rules.map(({ name }) => ({ ...resource, name: name.as }));
    return JSON.stringify({
      kind: "APIResourceList",
      apiVersion: "v1",
      groupVersion: GROUP_VERSION,
      resources,
    });
  }
  const metricName = PATH.exec(pathname)?.[1];
  const rule = rules.find(({ name }) => name.as === metricName);
  if (!rule) return undefined;
  const query = queryOf(rule, searchParams.get("labelSelector") ?? "");
  const asked = await fetch(`${prometheus}/api/v1/query?${new URLSearchParams({ query })}`);
  const { data } = (await asked.json()) as { data: { result: { value: [number, string] }[] } };
  const items = data.result.map(({ value: [seconds, value] }) => ({
    metricName,
    metricLabels: {},
    timestamp: new Date(seconds * 1000).toISOString(),
    value: `${Math.round(Number(value) * 1000)}m`,
  }));
  return JSON.stringify({ kind: "ExternalMetricValueList", apiVersion: GROUP_VERSION, metadata: {}, items });
}

/** PromQL by a rule's template. @param selector of labels, as `kind=tasks,name=666` */
function queryOf({ seriesQuery, metricsQuery }: Rule, selector: string): string {
  const [series = "", own = ""] = seriesQuery.split(/[{}]/);
  const asked = selector
    .split(",")
    .filter(Boolean)
    .map((each) => each.replace(/^(.*?)=(.*)$/, '$1="$2"'));
  const matchers = [...new Set([own, ...asked])].filter(Boolean).join(",");
  return metricsQuery.replace("<<.Series>>", series).replace("<<.LabelMatchers>>", matchers);
}

/** Has the API server pass requests of this API on, and lets the autoscaler ask. */
async function register(ca: string): Promise<void> {
  const { name, namespace, port } = EXTERNAL_METRICS;
  const metadata = { name, namespace };
  const rbac = "rbac.authorization.k8s.io";
  await apply(
    { apiVersion: "v1", kind: "Service", metadata, spec: { ports: [{ name: "https", port: 443 }] } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": name } },
      ...{ addressType: "IPv4", endpoints: [{ addresses: [NODE_IP], conditions: { ready: true } }] },
      ports: [{ name: "https", port, protocol: "TCP" }],
    },
    {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: "v1beta1.external.metrics.k8s.io" },
      spec: {
        ...{ group: "external.metrics.k8s.io", version: "v1beta1", service: { name, namespace } },
        ...{ groupPriorityMinimum: 100, versionPriority: 100, caBundle: Buffer.from(ca).toString("base64") },
      },
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRole",
      metadata: { name },
      rules: [{ apiGroups: ["external.metrics.k8s.io"], resources: ["*"], verbs: ["get", "list"] }],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name },
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name },
      subjects: [{ kind: "ServiceAccount", name: "horizontal-pod-autoscaler", namespace: "kube-system" }],
    },
  );
  const available = "--for=condition=Available";
  await kubectl("wait", available, "apiservice/v1beta1.external.metrics.k8s.io", "--timeout=60s");
}
