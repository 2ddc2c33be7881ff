import { readFile } from "node:fs/promises";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseResources } from "../../../tools/api/load.ts";
import { modelTask } from "../../../tools/api/model-task.ts";
import { tenant as tenantSchema } from "../../../tools/api/tenant.ts";
import { explainCommand } from "../../../tools/cli/commands/explain.ts";
import { renderCommand } from "../../../tools/cli/commands/render.ts";
import { destinationRule } from "../../../tools/cluster/istio/destination-rule.ts";
import { gatewayWorkload } from "../../../tools/cluster/istio/gateway-workload.ts";
import { startupCheck } from "../../../tools/cluster/istio/startup-check.ts";
import { bootstrap } from "../../../tools/lib/envoy/bootstrap.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { gracePeriodSeconds } from "../../../tools/serving/workload/deployment-patch.ts";
import { explainPlacement, kubeletConfiguration } from "../../../tools/serving/workload/placement.ts";
import {
  renderWorkload,
  WORKLOAD_TARGETS,
  type WorkloadTarget,
} from "../../../tools/serving/workload/render.ts";
import { runHere } from "../../support/modelgate.ts";

/** Recorded by `node test/cluster/record-workload-schemas.ts` from Kubernetes' and KEDA's definitions. */
const schemas = JSON.parse(
  await readFile(new URL("../../fixtures/workload-schemas.json", import.meta.url), "utf8"),
) as Record<string, object>;
const ajv = new Ajv({ strict: false, allErrors: true });
const apiVersion = "modelgate.dev/v1alpha1";

function task(spec: object = {}) {
  return modelTask.parse({
    apiVersion,
    kind: "ModelTask",
    metadata: { name: "ranking", namespace: "models" },
    spec: {
      taskid: "666",
      tenant: "search",
      service: { name: "service-666" },
      limits: { perReplica: 50, maxInFlightPerReplica: 8 },
      warmUp: { requests: 20, request: { model: "ranking" }, success: { latency: "50ms" } },
      placement: { cpus: 4, memory: "8Gi", gpus: 1 },
      autoscaling: { maxReplicas: 9 },
      ...spec,
    },
  });
}

function render(target: WorkloadTarget, spec: object = {}) {
  const options = { commandImage: "r.example/modelgate", gatewayService: "gateways.edge:15000" };
  const [manifest] = renderWorkload([task(spec)], {
    ...options,
    target,
    prometheus: "http://prometheus:9090",
  });
  return manifest as unknown as Record<string, never>;
}

interface PodSpec {
  terminationGracePeriodSeconds: number;
  initContainers: { args: string[]; resources: { requests: object; limits: object } }[];
  containers: {
    resources: { requests: object; limits: object };
    env?: { name: string; value: string }[];
    volumeMounts?: { name: string; mountPath: string; readOnly: boolean }[];
  }[];
  volumes?: { name: string; secret?: object; downwardAPI?: object }[];
}

const podSpec = (spec?: object) =>
  (render("deployment-patch", spec) as unknown as { spec: { template: { spec: PodSpec } } }).spec.template
    .spec;

describe("what is rendered for a task's Deployment", () => {
  it.each(WORKLOAD_TARGETS)("%s has the fields of its definition", (target) => {
    // Directives of a strategic merge patch are no fields.
    const fields = (key: string, value: unknown) => (key === "$patch" ? undefined : value);
    const manifest = JSON.parse(JSON.stringify(render(target)), fields);
    const validate = ajv.compile(schemas[`${manifest.apiVersion} ${manifest.kind}`] ?? { not: {} });
    validate(manifest);
    expect(validate.errors).toBeNull();
  });

  it.each(WORKLOAD_TARGETS)(
    "%s is nobody's to prune: the controller deletes what has its labels",
    (target) => {
      const { metadata } = render(target) as unknown as Manifest;
      expect(metadata.labels).toBeUndefined();
    },
  );

  it("takes the place of probes and hooks of other types", () => {
    const [model] = podSpec().containers as unknown as Record<string, { $patch?: string; preStop: object }>[];
    for (const handler of [model?.startupProbe, model?.readinessProbe, model?.lifecycle?.preStop])
      expect(handler).toMatchObject({ $patch: "replace", httpGet: { port: 8867 } });
  });

  it("refuses a field that the definition lacks", () => {
    const manifest = structuredClone(render("hpa")) as unknown as { spec: Record<string, unknown> };
    manifest.spec.minReplica = 1;
    expect(ajv.validate(schemas["autoscaling/v2 HorizontalPodAutoscaler"] ?? {}, manifest)).toBe(false);
  });

  it("gives the drain time, and what it needs to end", () => {
    expect(gracePeriodSeconds(task({ timeout: "20s", drain: { endpointTimeout: "1.5s" } }))).toBe(27);
    expect(gracePeriodSeconds(task({ drain: { requestTimeout: "60s" } }))).toBe(80);
    expect(podSpec().terminationGracePeriodSeconds).toBe(35);
  });

  it("hands the sidecar a ModelTask that it can read", () => {
    const { args = [] } = podSpec().initContainers[0] ?? {};
    const { resources, faults } = parseResources([
      { file: "args", text: args[args.indexOf("--inline") + 1] ?? "" },
    ]);
    expect(faults).toEqual([]);
    expect(resources[0]?.resource.spec).toMatchObject({ taskid: "666", warmUp: { requests: 20 } });
    expect(args).toEqual(expect.arrayContaining(["--gateway-service", "gateways.edge:15000"]));
  });

  it("is Guaranteed where cores are bound", () => {
    const { initContainers, containers } = podSpec();
    for (const { resources } of [...initContainers, ...containers])
      expect(resources.requests).toEqual(resources.limits);
    expect(containers[0]?.resources.limits).toEqual({ cpu: "4", memory: "8Gi", "nvidia.com/gpu": "1" });
    expect(containers[0]?.env).toContainEqual({ name: "OMP_NUM_THREADS", value: "4" });
    expect(podSpec({ placement: undefined }).containers[0]).not.toHaveProperty("resources");
  });

  it("scales at 80 % of the cap, or where the task says", () => {
    const target = (spec?: object) => JSON.stringify(render("hpa", spec));
    expect(target()).toContain('"averageValue":"6400m"');
    expect(target({ autoscaling: { maxReplicas: 9, inFlightPerReplica: 5 } })).toContain(
      '"averageValue":"5"',
    );
    expect(JSON.stringify(render("keda"))).toContain('"threshold":"6.4"');
  });

  it.each(["a~b", "a".repeat(64)])("refuses an HPA for a task id that no label can hold", (taskid) => {
    expect(() => render("hpa", { taskid })).toThrow("render --target keda");
    expect(() => render("keda", { taskid })).not.toThrow();
  });

  it.each(WORKLOAD_TARGETS)("refuses two tasks of one Deployment (%s)", (target) => {
    const tasks = [task(), task({ taskid: "7", workload: { deployment: "service-666" } })];
    expect(() => renderWorkload(tasks, { target, commandImage: "i", prometheus: "http://p" })).toThrow(
      "have the same Deployment models/service-666",
    );
  });

  it("says when no task is scaled", () => {
    expect(() => render("hpa", { autoscaling: undefined })).toThrow(
      "--target hpa: no ModelTask here has spec.autoscaling",
    );
  });
});

it.each(WORKLOAD_TARGETS)("the example renders for %s", async (target) => {
  const { code, stdout } = await runHere(renderCommand(), [
    "--target",
    target,
    "-f",
    "manifests/examples/model-server",
  ]);
  expect(code).toBe(0);
  expect(parse(stdout)).toMatchObject({ metadata: { name: "ranking", namespace: "search" } });
});

describe("autoscaling", () => {
  it.each([
    ["limits", { limits: undefined, autoscaling: { maxReplicas: 3 } }, "needs limits"],
    [
      "a target",
      { limits: { perReplica: 1 }, autoscaling: { maxReplicas: 3 } },
      "needs autoscaling.inFlightPerReplica",
    ],
    ["a range", { autoscaling: { minReplicas: 4, maxReplicas: 3 } }, "must not be below minReplicas"],
  ])("needs %s", (_name, spec, message) => {
    expect(() => task(spec)).toThrow(message);
  });
});

describe("placement", () => {
  it("is explained", () => {
    expect(explainPlacement(task()).join(" ")).toMatch(
      /4 whole cores and 8Gi and 1 GPUs.*Guaranteed.*single-numa-node/,
    );
    expect(explainPlacement(task({ placement: undefined })).join(" ")).toContain("no spec.placement");
    expect(explainPlacement(task({ placement: { cpus: 2, memory: "1Gi", threads: 4 } })).join(" ")).toContain(
      "take turns",
    );
  });

  it("is explained by the command, with the kubelet's configuration", async () => {
    const { code, stdout } = await runHere(explainCommand(), [
      "placement",
      "-f",
      "manifests/examples/model-server",
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain("8 whole cores");
    expect(stdout).toContain("topologyManagerPolicy: single-numa-node");
  });

  it("warns of cores that are half of a physical one", () => {
    const explained = (cpus: number) =>
      explainPlacement(task({ placement: { cpus, memory: "1Gi" } })).join(" ");
    expect(explained(3)).toContain("SMTAlignmentError");
    expect(explained(4)).not.toContain("SMTAlignmentError");
  });

  it("asks nodes for one NUMA node unless any will do", () => {
    const policy = (numaNodes: "single" | "any") =>
      kubeletConfiguration({ cpus: 1, memory: "1Gi", numaNodes });
    expect(policy("single")).toMatchObject({
      topologyManagerPolicy: "single-numa-node",
      cpuManagerPolicy: "static",
    });
    expect(policy("any")).toMatchObject({ topologyManagerPolicy: "best-effort" });
  });
});

describe("a gateway's pods", () => {
  const tenantWith = (deployment: object | undefined, more: object = {}) => {
    const gateway = { name: "gw", namespace: "edge", hosts: ["*.a.example"], deployment, ...more };
    return tenantSchema.parse({
      ...{ apiVersion, kind: "Tenant", metadata: { name: "search" } },
      spec: { namespaces: ["models"], gateway },
    });
  };
  const pod = (deployment: object, timeout = "15s", more: object = {}) => {
    const found = gatewayWorkload(tenantWith(deployment, more), [task({ timeout })]).find(
      ({ kind }) => kind === "Deployment",
    );
    return (
      found as unknown as {
        spec: { template: { metadata: { annotations: Record<string, string> }; spec: PodSpec } };
      }
    ).spec.template;
  };

  it("drain until no connection is left", () => {
    const config = JSON.parse(pod({}).metadata.annotations["proxy.istio.io/config"] ?? "");
    expect(config.proxyMetadata).toEqual({
      EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "true",
      MINIMUM_DRAIN_DURATION: "5s",
    });
    // Istio's agent counts connections by this stat, and ends at once where it is off.
    expect(config.proxyStatsMatcher.inclusionSuffixes).toContain("downstream_cx_active");
  });

  it("start only once their filter runs, and are ready as Istio's agent says", () => {
    const [container] = pod({}).spec.containers as unknown as Record<string, { httpGet: object }>[];
    const [gateway, envoyFilter] = startupCheck(tenantWith({})) as [Manifest, Manifest];
    const [{ port }] = (gateway.spec as { servers: [{ port: { number: number } }] }).servers;
    expect(container?.startupProbe?.httpGet).toEqual({ path: "/modelgate/startup", port: port.number });
    expect(container?.readinessProbe?.httpGet).toEqual({ path: "/healthz/ready", port: 15_021 });
    expect(JSON.stringify(envoyFilter)).toContain(`"portNumber":${port.number}`);
    const policy = gatewayWorkload(tenantWith({}), []).find(({ kind }) => kind === "NetworkPolicy");
    expect(JSON.stringify(policy)).toContain(`"port":${port.number}`);
    expect(startupCheck(tenantWith(undefined))).toEqual([]);
  });

  it("take the requests of a connection one at a time, as a local gateway does", () => {
    const config = JSON.parse(pod({}).metadata.annotations["proxy.istio.io/config"] ?? "");
    expect(config.runtimeValues).toEqual({ "http.max_requests_per_io_cycle": "1" });
    expect(bootstrap({ tasks: [], filters: [] })).toMatchObject({
      layered_runtime: { layers: [{ static_layer: { "http.max_requests_per_io_cycle": 1 } }] },
    });
  });

  it("have time for the drain and the longest request", () => {
    expect(pod({ drain: "20s" }, "40s").spec.terminationGracePeriodSeconds).toBe(70);
    expect(pod({ drain: "20s" }, "1s").spec.terminationGracePeriodSeconds).toBe(45);
    expect(pod({ terminationGracePeriod: "99s" }).spec.terminationGracePeriodSeconds).toBe(99);
  });

  it("hold the credentials that Istio's agent pulls converters with", () => {
    const { containers, volumes } = pod({}, "15s", { filter: { pullSecret: "pull" } }).spec;
    const volume = volumes?.find(({ name }) => name === "pull-credentials");
    expect(volume?.secret).toEqual({
      secretName: "pull",
      optional: true,
      items: [{ key: ".dockerconfigjson", path: "config.json" }],
    });
    const [{ env = [], volumeMounts = [] } = {}] = containers;
    const mount = volumeMounts.find(({ name }) => name === volume?.name);
    expect(mount?.readOnly).toBe(true);
    expect(env).toContainEqual({ name: "DOCKER_CONFIG", value: mount?.mountPath });
    expect(pod({}).spec.volumes?.map(({ name }) => name)).toEqual(["bootstrap"]);
  });

  it("give Envoy the overload manager in its bootstrap where their memory is bounded", () => {
    const { metadata, spec } = pod({ limits: { memory: "1Gi" } });
    expect(JSON.parse(metadata.annotations["modelgate.dev/bootstrap"] ?? "")).toMatchObject({
      overload_manager: {
        resource_monitors: [{ typed_config: { max_heap_size_bytes: String(0.75 * 2 ** 30) } }],
      },
    });
    const fieldRef = { fieldPath: "metadata.annotations['modelgate.dev/bootstrap']" };
    expect(spec.volumes).toEqual([
      { name: "bootstrap", downwardAPI: { items: [{ path: "bootstrap.json", fieldRef }] } },
    ]);
    const [{ env = [], volumeMounts = [] } = {}] = spec.containers;
    const value = `${volumeMounts[0]?.mountPath}/bootstrap.json`;
    expect(env).toContainEqual({ name: "ISTIO_BOOTSTRAP_OVERRIDE", value });
    const unbounded = pod({ limits: { cpu: "2" } });
    expect(unbounded.metadata.annotations["modelgate.dev/bootstrap"]).toBeUndefined();
    expect(unbounded.spec.volumes).toBeUndefined();
  });

  it("are not ended while preStop still waits", () => {
    expect(() => pod({ terminationGracePeriod: "15s" })).toThrow("must be longer than drain");
    expect(() => pod({ drain: "1m", terminationGracePeriod: "30s" })).toThrow("must be longer than drain");
  });
});

it("the share of a new replica grows with the warm-up", () => {
  const { trafficPolicy } = destinationRule(task({ warmUp: { duration: "10s" } })).spec as {
    trafficPolicy: { loadBalancer: object };
  };
  expect(trafficPolicy.loadBalancer).toMatchObject({ simple: "LEAST_REQUEST", warmup: { duration: "10s" } });
});
