import { describe, expect, it } from "vitest";
import { type ModelTask, modelTask } from "../../../tools/api/model-task.ts";
import { tenant as tenantSchema } from "../../../tools/api/tenant.ts";
import { destinationRule } from "../../../tools/cluster/istio/destination-rule.ts";
import { renderAll, type Target } from "../../../tools/cluster/istio/render.ts";
import type { SecretLookup } from "../../../tools/cluster/istio/secret-lookup.ts";
import { virtualService } from "../../../tools/cluster/istio/virtual-service.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { parseReference } from "../../../tools/lib/oci/reference.ts";

const IMAGE = parseReference(`oci://r.example/modelgate/gateway@sha256:${"a".repeat(64)}`);
const apiVersion = "modelgate.dev/v1alpha1";

function tenant(spec: object = {}, gateway: object = {}) {
  return tenantSchema.parse({
    apiVersion,
    kind: "Tenant",
    metadata: { name: "search" },
    spec: {
      namespaces: ["models", "batch"],
      gateway: { name: "gw", namespace: "edge", hosts: ["*.search.example"], ...gateway },
      ...spec,
    },
  });
}

function task(spec: object = {}, name = "ranking") {
  return modelTask.parse({
    apiVersion,
    kind: "ModelTask",
    metadata: { name, namespace: "models" },
    spec: { taskid: "666", tenant: "search", service: { name: "service-666" }, ...spec },
  });
}

function render(tenantSpec: object, gateway: object, tasks = [task()], target: Target = "istio") {
  return renderAll([tenant(tenantSpec, gateway)], tasks, {
    target,
    image: () => IMAGE,
    secrets: () => undefined,
  });
}

const find = (manifests: Manifest[], kind: string) =>
  manifests.find((each) => each.kind === kind) as Manifest & { spec: never };
const host = "service-666.models.svc.cluster.local";
const to = (subset?: string) => ({
  destination: { host, port: { number: 8866 }, ...(subset && { subset }) },
});

describe("reports to the controller", () => {
  const controller = { namespace: "modelgate-system", service: "modelgate-controller", port: 8090 };
  const configOf = (tokenSecret?: string, token = "abc\n") => {
    const manifests = renderAll([tenant()], [task()], {
      target: "istio",
      image: () => IMAGE,
      secrets: (namespace, name, key) =>
        `${namespace}/${name}/${key}` === "edge/reports/token" ? Buffer.from(token) : undefined,
      controller: { ...controller, tokenSecret },
    });
    const { pluginConfig } = find(manifests, "WasmPlugin").spec as {
      pluginConfig: { rateLimit: { controller: object } };
    };
    return pluginConfig.rateLimit.controller;
  };

  it("proves the gateway by the token of a Secret", () => {
    expect(configOf("reports")).toEqual({
      authority: "modelgate-controller.modelgate-system:8090",
      cluster: "outbound|8090||modelgate-controller.modelgate-system.svc.cluster.local",
      gateway: "edge/gw",
      token: "abc",
    });
    expect(configOf()).not.toHaveProperty("token");
  });

  it("says which Secret is missing", () => {
    expect(() => configOf("absent")).toThrow(/Tenant search: the Secret edge\/absent .* make it first/);
  });
});

describe("gateway", () => {
  it("opens its hosts to the tenant's namespaces alone", () => {
    expect(find(render({}, { port: 9000 }), "Gateway").spec).toEqual({
      selector: { istio: "gw" },
      servers: [
        {
          port: { number: 9000, name: "http", protocol: "HTTP" },
          hosts: ["models/*.search.example", "batch/*.search.example"],
        },
      ],
    });
  });

  it.each([
    [false, "SIMPLE"],
    [true, "MUTUAL"],
  ])("TLS, mutual %s", (mutual, mode) => {
    const { spec } = find(render({}, { tls: { credentialName: "cert", mutual } }), "Gateway");
    expect(spec).toMatchObject({
      servers: [{ port: { name: "https", protocol: "HTTPS" }, tls: { mode, credentialName: "cert" } }],
    });
  });

  it("has its own pods when it says so", () => {
    expect(render({}, {}).map(({ kind }) => kind)).not.toContain("Deployment");
    const manifests = render({}, { deployment: { minReplicas: 3, drain: "20s" } });
    expect(manifests.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining([
        "ServiceAccount",
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "NetworkPolicy",
      ]),
    );
    expect(find(manifests, "NetworkPolicy").spec).toMatchObject({
      podSelector: { matchLabels: { istio: "gw" } },
      ingress: [{ ports: [{ port: 8866 }, { port: 15_021 }, { port: 15_022 }] }],
    });
    const { spec } = find(manifests, "Deployment") as unknown as {
      spec: { replicas?: number; template: { spec: { containers: object[] } } };
    };
    expect(spec.replicas).toBeUndefined();
    expect(spec.template.spec.containers[0]).toMatchObject({
      lifecycle: { preStop: { sleep: { seconds: 20 } } },
    });
    expect(find(manifests, "WasmPlugin").spec).toMatchObject({
      selector: { matchLabels: { istio: "gw", "modelgate.dev/slice": "stable" } },
    });
  });
});

it("a gateway with TLS and pods of its own may read its certificate", () => {
  const kinds = (gateway: object) => render({}, gateway).map(({ kind }) => kind);
  const tls = { credentialName: "cert" };
  expect(kinds({ tls })).not.toContain("RoleBinding");
  expect(kinds({ deployment: {} })).not.toContain("RoleBinding");
  expect(find(render({}, { deployment: {}, tls }), "RoleBinding")).toMatchObject({
    roleRef: { kind: "ClusterRole", name: "modelgate-gateway" },
    subjects: [{ kind: "ServiceAccount", name: "gw", namespace: "edge" }],
  });
});

describe("the access log", () => {
  interface Logger {
    filter?: { or_filter: { filters: object[] } };
    typed_config: { path: string; log_format: { text_format_source: { inline_string: string } } };
  }

  /** The loggers of Envoy, and the stage's configuration. */
  function rendered(accessLog: object): { loggers: Logger[]; stage: object } {
    const manifests = render({}, { tuning: { accessLog } });
    const { configPatches } = find(manifests, "EnvoyFilter").spec as unknown as {
      configPatches: { patch: { value?: { typed_config?: { access_log?: Logger[] } } } }[];
    };
    const { pluginConfig } = find(manifests, "WasmPlugin").spec as { pluginConfig: { accessLog: object } };
    const loggers = configPatches.flatMap(({ patch }) => patch.value?.typed_config?.access_log ?? []);
    return { loggers, stage: pluginConfig.accessLog };
  }

  it("goes to a file, with the fields and names that are wanted", () => {
    const fields = [{ field: "duration", as: "ms%" }, { field: "tenant", as: "t" }, { field: "start_time" }];
    const redact = { queryParameters: ["k"], headers: ["user-agent"], paths: ["/users/*"] };
    const { loggers, stage } = rendered({ path: "/var/log/x", fields, redact, maxValueBytes: 100 });
    expect(loggers).toMatchObject([{ typed_config: { path: "/var/log/x" } }]);
    expect(loggers[0]?.typed_config.log_format.text_format_source.inline_string).toBe(
      '{"start_time":"%START_TIME%","ms%%":%DURATION%%FILTER_STATE(wasm.modelgate.log:PLAIN)%}\n',
    );
    expect(stage).toEqual({
      gateway: "edge/gw",
      fields,
      maxValueBytes: 100,
      redactedParameters: ["k"],
      redactedHeaders: ["user-agent"],
      redactedPaths: ["/users/*"],
    });
  });

  it("leaves requests out by Envoy's own filter", () => {
    const { loggers, stage } = rendered({ sample: { ratio: 0.015, slowerThan: "1.5s" } });
    expect(loggers[0]?.filter?.or_filter.filters).toEqual(
      expect.arrayContaining([
        {
          and_filter: {
            filters: [
              {
                runtime_filter: {
                  runtime_key: "modelgate.log.sample",
                  percent_sampled: { numerator: 15_000, denominator: "MILLION" },
                },
              },
              expect.objectContaining({ header_filter: expect.anything() }),
            ],
          },
        },
        {
          duration_filter: {
            comparison: { op: "GE", value: { default_value: 1500, runtime_key: "modelgate.log.slow" } },
          },
        },
      ]),
    );
    expect(stage).not.toHaveProperty("sample");
  });

  it.each([
    [{ fields: [{ field: "path" }, { field: "path", as: "p" }] }, "must not hold a field twice"],
    [{ fields: [{ field: "path" }, { field: "method", as: "path" }] }, "must not give two fields one name"],
    [{ redact: { headers: ["cookie"] } }, "Invalid option"],
    [{ sample: { ratio: 1.5 } }, "ratio"],
  ])("is not %j", (accessLog, message) => {
    expect(() => rendered(accessLog)).toThrow(message);
  });

  it("goes to the collector, and then to no file", () => {
    const collector = { namespace: "logs", format: "protobuf" };
    const { loggers, stage } = rendered({ collector, sample: { ratio: 0.5 } });
    expect(loggers).toEqual([]);
    expect(stage).toMatchObject({
      collector: {
        cluster: "outbound|8093||modelgate-collector.logs.svc.cluster.local",
        authority: "modelgate-collector.logs:8093",
        format: "protobuf",
        timeoutMilliseconds: 5000,
        sample: { ratio: 0.5 },
      },
    });
  });
});

describe("spans", () => {
  const tracingOf = (tuning: object) => {
    const { configPatches } = find(render({}, { tuning }), "EnvoyFilter").spec as unknown as {
      configPatches: { patch: { value?: { typed_config?: { tracing?: object } } } }[];
    };
    return configPatches.flatMap(({ patch }) => patch.value?.typed_config?.tracing ?? []);
  };

  it("go to the receiver's Service, with the tenant's name; test/envoy/tracing.test.ts has the rest", () => {
    const [tracing, ...more] = tracingOf({
      tracing: { namespace: "telemetry", service: "otel", percent: 2.5 },
    });
    expect(more).toEqual([]);
    expect(tracing).toMatchObject({
      random_sampling: { value: 2.5 },
      custom_tags: expect.arrayContaining([{ tag: "modelgate.tenant", literal: { value: "search" } }]),
      provider: {
        typed_config: {
          http_service: {
            http_uri: {
              uri: "http://otel.telemetry:4318/v1/traces",
              cluster: "outbound|4318||otel.telemetry.svc.cluster.local",
            },
          },
        },
      },
    });
  });

  it("are none by default, so that a caller's trace context passes as it came", () => {
    expect(tracingOf({})).toEqual([]);
  });
});

describe("lines to the collector", () => {
  const tuning = { accessLog: { collector: { tokenSecret: "senders" } } };
  const collectorOf = (secrets: SecretLookup) => {
    const manifests = renderAll([tenant({}, { tuning })], [task()], {
      target: "istio",
      image: () => IMAGE,
      secrets,
    });
    const { pluginConfig } = find(manifests, "WasmPlugin").spec as {
      pluginConfig: { accessLog: { collector: object } };
    };
    return pluginConfig.accessLog.collector;
  };

  it("prove the gateway by the token of a Secret", () => {
    const secrets = { "edge/senders/token": Buffer.from("abc\n") } as Record<string, Buffer>;
    expect(collectorOf((namespace, name, key) => secrets[`${namespace}/${name}/${key}`])).toMatchObject({
      token: "abc",
    });
  });

  it("say which Secret is missing", () => {
    expect(() => collectorOf(() => undefined)).toThrow(
      "Tenant search: key token of Secret edge/senders is not known",
    );
  });
});

describe("VirtualService", () => {
  const http = (spec: object) =>
    (virtualService(tenant(), task(spec)) as unknown as { spec: { http: object[] } }).spec.http;

  it("routes by taskid, with retries only where the model has not begun", () => {
    expect(http({})).toEqual([
      {
        name: "default",
        match: [{ headers: { taskid: { exact: "666" } } }],
        route: [to()],
        timeout: "15s",
        headers: { request: { remove: ["cookie", "taskid", "x-envoy-original-path"] } },
        retries: { attempts: 2, retryOn: "connect-failure,refused-stream,unavailable" },
      },
    ]);
  });

  it("keeps back what is the gateway's, but for what the task asks for", () => {
    expect(http({ forwardHeaders: ["taskid"] })).toMatchObject([
      { headers: { request: { remove: ["cookie", "x-envoy-original-path"] } } },
    ]);
    const [all] = http({ forwardHeaders: ["taskid", "cookie", "x-envoy-original-path"] });
    expect(all).not.toHaveProperty("headers");
  });

  it("matches first, then the named version, then weights", () => {
    const rules = http({
      versions: [
        { name: "v1", weight: 99.5 },
        { name: "v2", weight: 0.5 },
      ],
      matches: [{ header: "x-a", prefix: "beta", version: "v2" }],
    });
    expect(rules).toMatchObject([
      { match: [{ headers: { "x-a": { prefix: "beta" } } }], route: [to("v2")] },
      { match: [{ headers: { version: { exact: "v1" } } }], route: [to("v1")] },
      { match: [{ headers: { version: { exact: "v2" } } }], route: [to("v2")] },
      {
        match: [{ withoutHeaders: { version: {} } }],
        route: [
          { ...to("v1"), weight: 9950 },
          { ...to("v2"), weight: 50 },
        ],
      },
    ]);
  });

  it("mirror, fault, no retries", () => {
    const [rule] = http({
      versions: [{ name: "v1" }],
      mirror: { version: "v1", percent: 5 },
      retries: { attempts: 0 },
      fault: { delay: { duration: "1s", percent: 1 }, abort: { status: 503, percent: 2 } },
    });
    expect(rule).toMatchObject({
      retries: { attempts: 0 },
      mirrors: [{ ...to("v1"), percentage: { value: 5 } }],
      fault: {
        delay: { fixedDelay: "1s", percentage: { value: 1 } },
        abort: { httpStatus: 503, percentage: { value: 2 } },
      },
    });
  });
});

describe("DestinationRule", () => {
  it("prefers a zone only with outlier detection, which tells when to go to another", () => {
    const { spec } = destinationRule(task({ loadBalancing: { locality: true } }));
    expect(spec).toMatchObject({ trafficPolicy: { outlierDetection: { consecutive5xxErrors: 5 } } });
    expect(JSON.stringify(destinationRule(task({})).spec)).not.toContain("outlierDetection");
  });

  it("all fields", () => {
    const rule = destinationRule(
      task({
        versions: [{ name: "v1" }, { name: "V.2", labels: { build: "7" } }],
        loadBalancing: { policy: "ROUND_ROBIN", locality: true },
        warmUp: { duration: "30s" },
        outlierDetection: { consecutiveErrors: 7 },
        connectionPool: { maxConnections: 9, maxPendingRequests: 8, maxRequestsPerConnection: 7 },
      }),
    );
    expect(rule.spec).toEqual({
      host,
      trafficPolicy: {
        loadBalancer: {
          simple: "ROUND_ROBIN",
          localityLbSetting: { enabled: true },
          warmup: { duration: "30s" },
        },
        connectionPool: {
          tcp: { maxConnections: 9 },
          http: { h2UpgradePolicy: "UPGRADE", http1MaxPendingRequests: 8, maxRequestsPerConnection: 7 },
        },
        outlierDetection: {
          consecutive5xxErrors: 7,
          interval: "10s",
          baseEjectionTime: "30s",
          maxEjectionPercent: 50,
        },
      },
      subsets: [
        { name: "v1", labels: { version: "v1" } },
        { name: expect.stringMatching(/^v-[0-9a-f]{16}$/), labels: { build: "7" } },
      ],
    });
  });

  it("RANDOM has no warm-up", () => {
    const { spec } = destinationRule(task({ loadBalancing: { policy: "RANDOM" } })) as { spec?: unknown };
    expect(JSON.stringify(spec)).not.toContain("warmup");
  });
});

describe("WasmPlugin", () => {
  it("has the plug-in configuration of the tenant", () => {
    const tasks = [
      task({ limits: { requestsPerSecond: 5, burst: 9 } }),
      task({ taskid: "search-1", conversion: { protocol: "none" } }, "b"),
      task({ taskid: "other", limits: { perReplica: 3 } }, "c"),
    ];
    const credentials = [
      { id: "a", sha256: "b".repeat(64) },
      { id: "off", sha256: "c".repeat(64), enabled: false },
    ];
    const permissions = [{ task: "666", versions: ["v1"] }, { task: "search-*" }];
    const plugin = find(
      render(
        { credentials, tasks: permissions, limits: { requestsPerSecond: 100 } },
        { filter: { pullSecret: "pull", priority: 7, failStrategy: "FAIL_OPEN" } },
        tasks,
      ),
      "WasmPlugin",
    );
    expect(plugin.spec).toMatchObject({
      url: `oci://r.example/modelgate/gateway@${IMAGE.digest}`,
      phase: "AUTHN",
      priority: 7,
      imagePullSecret: "pull",
      failStrategy: "FAIL_OPEN",
      pluginConfig: {
        tenantAuth: {
          tenants: [
            {
              tenant: "search",
              credentials: [
                { id: "a", sha256: "b".repeat(64) },
                { id: "off", sha256: "c".repeat(64), enabled: false },
              ],
              tasks: [{ task: "666", versions: ["v1"] }, { task: "search-*" }],
            },
          ],
        },
        rateLimit: {
          tasks: [
            { taskid: "666", requestsPerSecond: 5, burst: 9, mode: "enforce" },
            { taskid: "other", mode: "enforce" },
          ],
          tenants: [{ tenant: "search", requestsPerSecond: 100 }],
        },
        protocolConversion: { tasks: [{ taskid: "666" }, { taskid: "other" }] },
        accessLog: { gateway: "edge/gw", maxValueBytes: 512 },
      },
    });
  });

  it("needs an image", () => {
    const options = { target: "istio" as const, image: () => undefined, secrets: () => undefined };
    expect(() => renderAll([tenant()], [], options)).toThrow("--image");
  });
});

describe("compression", () => {
  const patchesOf = (spec: object, target?: Target) =>
    (
      find(render(spec, {}, undefined, target), "EnvoyFilter").spec as {
        configPatches: { patch: { operation: string; value?: { name?: string } } }[];
      }
    ).configPatches.filter(({ patch }) => patch.value?.name === "modelgate.compressor");

  it.each<Target>(["istio", "gateway-api"])("compresses responses in front of all filters: %s", (target) => {
    expect(patchesOf({ compression: { responses: {} } }, target)).toMatchObject([
      { applyTo: "HTTP_FILTER", patch: { operation: "INSERT_FIRST" } },
    ]);
    expect(patchesOf({ compression: { requests: {} } }, target)).toEqual([]);
  });

  it("has the filter decompress requests", () => {
    const configOf = (spec: object) =>
      (find(render(spec, {}), "WasmPlugin").spec as { pluginConfig: object }).pluginConfig;
    expect(configOf({ compression: { requests: {} } })).toMatchObject({
      decompression: { maxBytes: 67_108_864, maxRatio: 100 },
    });
    expect(configOf({ compression: { responses: {} } })).not.toHaveProperty("decompression");
  });
});

describe("Gateway API", () => {
  it("A/B by a prefix, and callers that show a certificate", () => {
    const versions = [{ name: "v2", labels: { app: "a", version: "v2" } }];
    const matches = [{ header: "x-group", prefix: "b.(1)", version: "v2" }];
    const tls = { credentialName: "cert", mutual: true };
    const manifests = render({}, { tls }, [task({ versions, matches })], "gateway-api");
    expect(find(manifests, "HTTPRoute").spec).toMatchObject({
      rules: [
        {
          matches: [
            {
              headers: [
                { type: "Exact", name: "taskid", value: "666" },
                { type: "RegularExpression", name: "x-group", value: "b\\.\\(1\\).*" },
              ],
            },
          ],
        },
        {},
        {},
      ],
    });
    expect(find(manifests, "Gateway").spec).toMatchObject({
      listeners: [{ tls: { options: { "gateway.istio.io/tls-terminate-mode": "MUTUAL" } } }],
    });
  });

  it("Services of versions reach the pods' own port", () => {
    const versions = [{ name: "v2", labels: { app: "a" } }];
    const service = { name: "service-666", targetPort: 9000 };
    const manifests = render({}, {}, [task({ versions, service })], "gateway-api");
    expect(find(manifests, "Service").spec).toMatchObject({ ports: [{ port: 8866, targetPort: 9000 }] });
  });

  it("a Service for each version", () => {
    const versions = [
      { name: "v1", weight: 80, labels: { app: "a", version: "v1" } },
      { name: "v2", weight: 20, labels: { app: "a", version: "v2" } },
    ];
    const manifests = render({}, {}, [task({ versions, timeout: "123.456s" })], "gateway-api");
    expect(find(manifests, "HTTPRoute").spec).toMatchObject({
      parentRefs: [{ name: "gw", namespace: "edge" }],
      hostnames: ["*.search.example"],
      rules: [
        { backendRefs: [{ name: "service-666-v1", port: 8866 }] },
        { backendRefs: [{ name: "service-666-v2", port: 8866 }] },
        {
          timeouts: { request: "123s456ms" },
          backendRefs: [
            { name: "service-666-v1", weight: 8000 },
            { name: "service-666-v2", weight: 2000 },
          ],
        },
      ],
    });
    expect(manifests.filter(({ kind }) => kind === "Service")).toHaveLength(2);
  });

  it("copies a part of a percent", () => {
    const versions = [{ name: "v1", weight: 100, labels: { app: "a" } }];
    const mirrored = task({ versions, mirror: { version: "v1", percent: 0.4 } });
    const { spec } = find(render({}, {}, [mirrored], "gateway-api"), "HTTPRoute");
    expect(JSON.stringify(spec)).toContain('"fraction":{"numerator":40,"denominator":10000}');
  });

  it("keeps back what is the gateway's, but for what the task asks for", () => {
    const filters = (kind: string, target: "gateway-api" | "gateway-api-grpc", spec: object) =>
      (
        find(render({}, {}, [task(spec)], target), kind).spec as { rules: { filters?: object[] }[] }
      ).rules.map(({ filters }) => filters);
    const remove = ["cookie", "x-envoy-original-path"];
    const filter = { type: "RequestHeaderModifier", requestHeaderModifier: { remove } };
    const asked = { forwardHeaders: ["taskid"] };
    expect(filters("HTTPRoute", "gateway-api", asked)).toEqual([[filter]]);
    expect(filters("GRPCRoute", "gateway-api-grpc", asked)).toEqual([[filter]]);
    const all = { forwardHeaders: ["x-envoy-original-path", "taskid", "cookie"] };
    expect(filters("HTTPRoute", "gateway-api", all)).toEqual([undefined]);
  });

  it("GRPCRoute", () => {
    const route = find(render({}, {}, [task()], "gateway-api-grpc"), "GRPCRoute");
    expect(JSON.stringify(route.spec)).not.toContain("timeouts");
  });

  it("says what a version lacks", () => {
    expect(() => render({}, {}, [task({ versions: [{ name: "v1" }] })], "gateway-api")).toThrow(
      "name in labels",
    );
  });
});

describe("silence", () => {
  const manager = (tasks: ModelTask[], gateway: object = {}) =>
    JSON.stringify(render({}, gateway, tasks).filter(({ kind }) => kind === "EnvoyFilter"));

  it("of the longest stream is allowed to all where routes are Istio's own", () => {
    const idle = task({ stream: { idleTimeout: "20m" } });
    expect(manager([idle, task({}, "b")])).toContain('"stream_idle_timeout":"1200s"');
    expect(manager([task()])).toContain('"stream_idle_timeout":"300s"');
  });

  it("is the task's own in a tree, and no shorter than its timeout", () => {
    const idle = task({ stream: { idleTimeout: "20s" } });
    expect(manager([idle], { routing: "tree" })).toContain(
      '"timeout":"15s","max_grpc_timeout":"15s","idle_timeout":"20s"',
    );
    const long = task({ stream: { idleTimeout: "20s" }, timeout: "1m" });
    expect(manager([long], { routing: "tree" })).toContain('"idle_timeout":"60s"');
    expect(manager([task()], { routing: "tree" })).not.toContain('"idle_timeout":"15s"');
  });
});

describe("converters", () => {
  const image = `oci://r.example/converters/ranking@sha256:${"b".repeat(64)}`;
  const own = () => task({ conversion: { converter: image } });
  type Patch = { applyTo: string; patch: { value: { name: string; typed_config: object } } };

  it("are one filter and an extension configuration a task", () => {
    const filters = render({}, {}, [own()]).filter(({ kind }) => kind === "EnvoyFilter") as unknown as {
      metadata: { name: string };
      spec: { configPatches: Patch[] };
    }[];
    const patches = filters.find(({ metadata }) => metadata.name === "gw-converters")?.spec.configPatches;
    expect(patches?.map(({ applyTo, patch }) => [applyTo, patch.value.name])).toEqual([
      ["HTTP_FILTER", "modelgate.converters"],
      ["LISTENER", undefined],
      ["EXTENSION_CONFIG", "modelgate.converter.666"],
    ]);
    expect(patches?.[1]?.patch.value).toEqual({
      metadata: { filter_metadata: { modelgate: { filters: { 666: true } } } },
    });
    expect(patches?.[2]?.patch.value.typed_config).toMatchObject({
      config: {
        allow_on_headers_stop_iteration: true,
        vm_config: { code: { remote: { http_uri: { uri: image } } } },
      },
    });
  });

  it("take settings", () => {
    const settings = { maxRequestBytes: 1000, contentType: "text/plain" };
    const filters = render({}, {}, [task({ conversion: { converter: image, ...settings } })]);
    const patches = (filters as unknown as { spec: { configPatches?: Patch[] } }[])
      .flatMap(({ spec }) => spec.configPatches ?? [])
      .filter(({ applyTo }) => applyTo === "EXTENSION_CONFIG");
    const value = JSON.stringify({ converter: { taskid: "666", ...settings } });
    expect(patches).toMatchObject([
      { patch: { value: { typed_config: { config: { configuration: { value } } } } } },
    ]);
    expect(() => task({ conversion: settings })).toThrow("belongs to a converter");
    const bad = { converter: image, contentType: "text" };
    expect(() => task({ conversion: bad })).toThrow("must be a media type");
  });

  it("leave reasons of refusals to the access log of the filter in front", () => {
    const config = (tasks: ReturnType<typeof task>[]) => find(render({}, {}, tasks), "WasmPlugin").spec;
    expect(config([own()])).toMatchObject({ pluginConfig: { filtersBehind: ["666"] } });
    expect(JSON.stringify(config([task()]))).not.toContain("filtersBehind");
  });

  it("see no credential, which routes remove otherwise", () => {
    const config = (tasks: ReturnType<typeof task>[]) => find(render({}, {}, tasks), "WasmPlugin").spec;
    expect(JSON.stringify(config([own()]))).not.toContain("removeCredentials");
    expect(config([task()])).toMatchObject({ pluginConfig: { tenantAuth: { removeCredentials: false } } });
    const removed = (spec: object) =>
      (find(render(spec, {}), "EnvoyFilter").spec as { configPatches: Patch[] }).configPatches
        .filter(({ applyTo }) => applyTo === "ROUTE_CONFIGURATION")
        .map(({ patch }) => patch.value);
    expect(removed({})).toEqual([{ request_headers_to_remove: ["authorization", "x-api-key"] }]);
    expect(removed({ apiKey: { headers: ["x-a", "x-b"] } })).toEqual([
      { request_headers_to_remove: ["authorization", "x-a", "x-b"] },
    ]);
  });

  it("take their tasks from the gateway's own conversion", () => {
    const config = (tasks: ReturnType<typeof task>[]) => find(render({}, {}, tasks), "WasmPlugin").spec;
    expect(config([task()])).toMatchObject({
      pluginConfig: { protocolConversion: { tasks: [{ taskid: "666" }] } },
    });
    expect(config([own()])).toMatchObject({ pluginConfig: { protocolConversion: { tasks: [] } } });
  });

  it("are named by digest", () => {
    expect(() => task({ conversion: { converter: "oci://r.example/converters/ranking:1" } })).toThrow(
      /by digest/,
    );
  });
});
