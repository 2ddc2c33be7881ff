import { describe, expect, it } from "vitest";
import { modelTask } from "../../../tools/api/model-task.ts";
import { tenant as tenantSchema } from "../../../tools/api/tenant.ts";
import { MODEL_NAME, modelNameConfig } from "../../../tools/cluster/istio/model-name.ts";
import { renderAll, type Target } from "../../../tools/cluster/istio/render.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { parseReference } from "../../../tools/lib/oci/reference.ts";

const apiVersion = "modelgate.dev/v1alpha1";
const IMAGE = parseReference(`oci://r.example/modelgate/gateway@sha256:${"a".repeat(64)}`);

function tenantWith(spec: object = {}) {
  const gateway = { name: "gw", namespace: "edge", hosts: ["*.search.example"] };
  return tenantSchema.parse({
    ...{ apiVersion, kind: "Tenant", metadata: { name: "search" } },
    spec: { namespaces: ["models"], gateway, ...spec },
  });
}

function taskWith(spec: object) {
  return modelTask.parse({
    ...{ apiVersion, kind: "ModelTask", metadata: { name: "llm", namespace: "models" } },
    spec: { taskid: "llm", tenant: "search", service: { name: "llm" }, ...spec },
  });
}

interface Patch {
  applyTo: string;
  patch: { operation: string; value: Record<string, unknown> };
}

const render = (spec: object, tenant: object = {}, target: Target = "istio") =>
  renderAll([tenantWith(tenant)], [taskWith(spec)], {
    image: () => IMAGE,
    target,
    secrets: () => Buffer.from("sk-1"),
  });
const named = (manifests: Manifest[], kind: string, name: string) =>
  manifests.find((each) => each.kind === kind && each.metadata.name === name);
const specOf = <T>(manifests: Manifest[], kind: string, name: string): T => {
  const found = named(manifests, kind, name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found.spec as T;
};
const patches = (manifests: Manifest[], name: string) =>
  (named(manifests, "EnvoyFilter", name)?.spec as { configPatches: Patch[] } | undefined)?.configPatches;

describe("the filter that reads the model", () => {
  it("is not there without a language model", () => {
    expect(patches(render({}), "gw-model-name")).toBeUndefined();
  });

  it("stands first, runs the gateway's own image, and lets headers wait", () => {
    const [filter, limit, route, extension] = patches(render({ protocol: "openai" }), "gw-model-name") ?? [];
    expect(filter).toMatchObject({
      applyTo: "HTTP_FILTER",
      patch: { operation: "INSERT_FIRST", value: { name: MODEL_NAME } },
    });
    expect(limit?.patch.value).toEqual({ request_body_buffer_limit: 9 * 1024 * 1024 });
    expect(route).toMatchObject({ applyTo: "HTTP_ROUTE", patch: { operation: "INSERT_FIRST" } });
    expect(extension?.patch.value).toMatchObject({
      name: MODEL_NAME,
      typed_config: {
        config: {
          ...{ allow_on_headers_stop_iteration: true, failure_policy: "FAIL_RELOAD" },
          vm_config: {
            code: { remote: { http_uri: { uri: `oci://r.example/modelgate/gateway@${IMAGE.digest}` } } },
          },
        },
      },
    });
  });

  it("gets the names that the model server does not know", () => {
    const versions = [{ name: "v1" }, { name: "v2" }];
    const served = (openai: object, more = {}) =>
      (
        modelNameConfig(tenantWith(), [taskWith({ protocol: "openai", openai, ...more })]) as {
          modelName: { served?: unknown };
        }
      ).modelName.served;
    expect(served({})).toBeUndefined();
    expect(served({ models: ["a", "b"], servedModel: "b" })).toEqual([{ model: "a", as: "b" }]);
    expect(served({ models: ["a"] }, { versions })).toEqual([
      { model: "a:v1", as: "a" },
      { model: "a:v2", as: "a" },
    ]);
    expect(served({ server: "openInference", models: ["a"] }, { versions })).toBeUndefined();
  });

  it.each<[string, object, boolean]>([
    ["an API key in a header", {}, false],
    ["an API key in the query", { apiKey: { queryParameter: "key" } }, true],
    ["a certificate", { credentials: [{ id: "a", type: "certificate", subject: "CN=a" }] }, true],
    ["a tenant that lets all through", { mode: "dryRun" }, true],
  ])("holds bodies without a credential's header: %s", (_what, spec, holds) => {
    const config = modelNameConfig(tenantWith(spec), [taskWith({ protocol: "openai" })]);
    expect(
      (config as { modelName: { otherCredentials?: boolean } }).modelName.otherCredentials ?? false,
    ).toBe(holds);
  });
});

describe("a model server that speaks OpenAI's API", () => {
  const h2 = (spec: object) =>
    specOf<{ trafficPolicy: { connectionPool: { http: object } } }>(render(spec), "DestinationRule", "llm")
      .trafficPolicy.connectionPool.http;

  it("gets HTTP/1.1", () => {
    expect(h2({ protocol: "openai" })).toMatchObject({
      h2UpgradePolicy: "DO_NOT_UPGRADE",
      idleTimeout: "4s",
    });
    expect(h2({ protocol: "openai", openai: { server: "openInference" } })).toMatchObject({
      h2UpgradePolicy: "UPGRADE",
    });
  });

  it("keeps the key of its own, which no route removes, and callers' credentials go all the same", () => {
    const removed = (manifests: Manifest[]) =>
      patches(manifests, "gw")?.find(({ applyTo }) => applyTo === "ROUTE_CONFIGURATION")?.patch.value
        .request_headers_to_remove;
    const plugin = (manifests: Manifest[]) =>
      specOf<{ pluginConfig: { tenantAuth: object } }>(manifests, "WasmPlugin", "gw-modelgate").pluginConfig
        .tenantAuth;
    const without = render({ protocol: "openai" });
    expect(removed(without)).toEqual(["authorization", "x-api-key"]);
    expect(plugin(without)).toMatchObject({ removeCredentials: false });
    const secret = { name: "server", key: "key" };
    const keyed = render({ protocol: "openai", openai: { apiKeySecret: secret } });
    expect(removed(keyed)).toEqual(["x-api-key"]);
    expect(plugin(keyed)).not.toHaveProperty("removeCredentials");
  });
});

it("the Gateway API has routes for it over HTTP, and none behind routes for gRPC", () => {
  const versions = [{ name: "v1", labels: { app: "llm" } }];
  const service = specOf<{ ports: object[] }>(
    render({ protocol: "openai", versions }, {}, "gateway-api"),
    "Service",
    "llm-v1",
  );
  expect(service.ports).toEqual([{ name: "http", appProtocol: "http", port: 8866, targetPort: 8866 }]);
  expect(() => render({ protocol: "openai" }, {}, "gateway-api-grpc")).toThrow(
    /ModelTask llm: protocol: openai is HTTP/,
  );
});

it("a match tree has the route of calls without a task, too", () => {
  const gateway = { name: "gw", namespace: "edge", hosts: ["*.search.example"], routing: "tree" };
  const tree = JSON.stringify(patches(render({ protocol: "openai" }, { gateway }), "gw-routing"));
  expect(tree).toContain("chat/completions");
});
