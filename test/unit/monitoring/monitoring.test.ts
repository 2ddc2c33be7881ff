import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { Histogram } from "prom-client";
import { beforeAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { FOLDER, monitoringFiles } from "../../../tools/dashboards/files.ts";
import { budgetMetrics } from "../../../tools/servers/budgets/budget-metrics.ts";
import { RolloutMetrics } from "../../../tools/servers/collector/cluster-events/rollout-metrics.ts";
import { DIMENSIONS } from "../../../tools/servers/collector/fields.ts";
import { collectorMetrics } from "../../../tools/servers/collector/prometheus/collector-metrics.ts";
import { ModelMetrics } from "../../../tools/servers/collector/prometheus/model-metrics.ts";
import { TrafficMetrics } from "../../../tools/servers/collector/prometheus/traffic-metrics.ts";
import { soleLeader } from "../../../tools/servers/controller/leadership.ts";
import { Limits } from "../../../tools/servers/controller/limits.ts";
import { controllerMetrics } from "../../../tools/servers/controller/metrics.ts";
import { type Expression, panelExpressions, ruleExpressions } from "../../monitoring/expressions.ts";

/** Of cAdvisor, with the labels that a kubelet gives them. */
const CADVISOR = new Set([
  "container_cpu_usage_seconds_total",
  "container_cpu_cfs_periods_total",
  "container_cpu_cfs_throttled_periods_total",
  "container_memory_working_set_bytes",
  "container_spec_memory_limit_bytes",
  "container_oom_events_total",
  "container_network_receive_bytes_total",
  "container_network_transmit_bytes_total",
]);
const POD_LABELS = ["namespace", "pod", "container"];

let files: Map<string, string>;
let expressions: Expression[];
const exported = exportedMetrics();

beforeAll(async () => {
  files = await monitoringFiles();
  expressions = [...ruleExpressions(), ...panelExpressions(files)];
});

test("what is committed is what the code writes", async () => {
  for (const [path, text] of files)
    expect(await readFile(fileURLToPath(new URL(path, FOLDER)), "utf8"), `${path}: npm run dashboards`).toBe(
      text,
    );
  const folder = await readdir(fileURLToPath(new URL("grafana/", FOLDER)));
  expect(
    folder
      .filter((name) => name.endsWith(".json"))
      .map((name) => `grafana/${name}`)
      .sort(),
  ).toEqual([...files.keys()].filter((path) => path.endsWith(".json")).sort());
});

test("panels over Elasticsearch ask for aggregations that Grafana knows", () => {
  const types = [...files].flatMap(([path, text]) => {
    if (!path.endsWith("-elasticsearch.json")) return [];
    const { panels } = JSON.parse(text) as { panels: { targets?: { metrics: { type: string }[] }[] }[] };
    return panels.flatMap(({ targets = [] }) =>
      targets.flatMap(({ metrics }) => metrics.map(({ type }) => type)),
    );
  });
  expect([...new Set(types)].sort()).toEqual(["bucket_script", "logs", "max", "sum"]);
});

test("kustomize takes every dashboard, and Prometheus scrapes ports that are there", async () => {
  const yaml = async (path: string) => await readFile(fileURLToPath(new URL(path, FOLDER)), "utf8");
  const { configMapGenerator } = parse(await yaml("kustomization.yaml"));
  expect(configMapGenerator[0].files.sort()).toEqual(
    [...files.keys()].filter((path) => path.endsWith(".json")).sort(),
  );
  const workloads = parseAllDocuments(
    `${await yaml("../controller/deployment.yaml")}\n---\n${await yaml("../collector/statefulset.yaml")}`,
  ).map((document) => document.toJS());
  for (const monitor of parseAllDocuments(await yaml("pod-monitors.yaml")).map((document) =>
    document.toJS(),
  )) {
    const { app } = monitor.spec.selector.matchLabels;
    const workload = workloads.find(({ spec }) => spec.template?.metadata.labels.app === app);
    const ports = workload?.spec.template.spec.containers[0].ports.map(({ name }: { name: string }) => name);
    expect(ports, app).toContain(monitor.spec.podMetricsEndpoints[0].port);
  }
});

test("every metric is exported, with the labels that it is chosen by", () => {
  const recorded = new Set(ruleExpressions().map(({ name }) => name));
  const used = new Set<string>();
  for (const { name, expr } of expressions)
    for (const [, metric = "", selector = ""] of expr.matchAll(
      /\b((?:modelgate|container|gen_ai)[_:][a-z0-9_:]+)(?:\{([^}]*)\})?/g,
    )) {
      used.add(metric);
      if (recorded.has(metric)) continue;
      const labels = CADVISOR.has(metric) ? POD_LABELS : exported.get(metric);
      expect(labels, `${metric} in ${name}`).toBeDefined();
      for (const [, label = ""] of selector.matchAll(/(\w+)\s*(?:=|!)/g))
        expect(labels, `${metric}{${label}} in ${name}`).toContain(label);
    }
  expect(used.size).toBeGreaterThan(25);
});

describe("dashboards", () => {
  test("have uids and panels that do not overlap", () => {
    const uids = new Set<string>();
    for (const [path, text] of files) {
      if (!path.endsWith(".json")) continue;
      const { uid, panels } = JSON.parse(text) as { uid: string; panels: { gridPos: Place }[] };
      uids.add(uid);
      const cells = new Set<string>();
      for (const { gridPos } of panels)
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            expect(cells.has(`${x} ${y}`), `${path} ${x} ${y}`).toBe(false);
            cells.add(`${x} ${y}`);
          }
    }
    expect(uids.size).toBe(7);
  });

  test("of Elasticsearch use fields of the stream job's tables", async () => {
    const sql = await readFile(fileURLToPath(new URL("../stream/tables.sql", FOLDER)), "utf8");
    const columns = (table: string) => {
      const body = new RegExp(`CREATE TABLE ${table} \\(([\\s\\S]*?)PRIMARY KEY`).exec(sql)?.[1] ?? "";
      return [...body.matchAll(/^\s+`?(@?\w+)`? [A-Z]/gm)].map(([, name]) => name);
    };
    let count = 0;
    for (const [path, text] of files) {
      if (!path.includes("-elasticsearch")) continue;
      const { panels } = JSON.parse(text) as { panels: ElasticsearchPanel[] };
      for (const { title, targets = [] } of panels)
        for (const { datasource, metrics = [], bucketAggs = [] } of targets) {
          const table = datasource.uid.replace(/^\$\{|\}$/g, "");
          if (table === "logs") continue;
          for (const { field } of [...metrics, ...bucketAggs]) {
            if (field === undefined) continue;
            count++;
            expect(columns(table), `${path} ${title}`).toContain(field.replace(/\.keyword$/, ""));
          }
        }
    }
    expect(count).toBeGreaterThan(50);
  });
});

interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
}

interface ElasticsearchPanel {
  title: string;
  targets?: {
    datasource: { uid: string };
    metrics?: { field?: string }[];
    bucketAggs?: { field?: string }[];
  }[];
}

/** Labels of what controller and collector export, by name; a histogram has its three. */
function exportedMetrics(): Map<string, string[]> {
  const limits = new Limits({ log: pino({ level: "silent" }) } as ConstructorParameters<typeof Limits>[0]);
  const { registry } = collectorMetrics({
    lag: async () => 0,
    storeBytes: async () => 0,
    exportLags: async () => new Map(),
  });
  new TrafficMetrics(registry, 10);
  new ModelMetrics(registry);
  new RolloutMetrics(registry);
  const ofController = controllerMetrics(limits, soleLeader).registry;
  budgetMetrics(ofController, { watch: () => {} } as never, () => true);
  const result = new Map<string, string[]>();
  for (const metric of [ofController, registry].flatMap((each) => each.getMetricsAsArray())) {
    const { name, labelNames } = metric as unknown as { name: string; labelNames?: string[] };
    const isOwnHistogram = labelNames === undefined;
    result.set(name, labelNames ?? []);
    if (isOwnHistogram || metric instanceof Histogram)
      for (const suffix of ["_bucket", "_sum", "_count"])
        result.set(name + suffix, [...(labelNames ?? DIMENSIONS), "le"]);
  }
  return result;
}
