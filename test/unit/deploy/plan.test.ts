import { afterEach, beforeEach, expect, it } from "vitest";
import { byKind } from "../../../tools/api/cross-check.ts";
import { parseResources } from "../../../tools/api/load.ts";
import { applyPlan } from "../../../tools/cluster/deploy/apply.ts";
import { taskDeletion } from "../../../tools/cluster/deploy/deletion.ts";
import { plan } from "../../../tools/cluster/deploy/plan.ts";
import type { WasmPlugin } from "../../../tools/cluster/deploy/wasm-plugins.ts";
import type { Target } from "../../../tools/cluster/istio/render.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { parseReference } from "../../../tools/lib/oci/reference.ts";
import { FakeApiServer } from "../../support/fake-api-server.ts";

const API_VERSION = "modelgate.dev/v1alpha1";
const image = parseReference(`oci://registry.example/gateway@sha256:${"a".repeat(64)}`);
const controller = {
  ...{ namespace: "modelgate-system", service: "modelgate-controller", port: 8090 },
  tokenSecret: "reports",
};
let api: FakeApiServer;
beforeEach(async () => {
  api = new FakeApiServer();
  await api.start();
});
afterEach(() => api.stop());

const task = (name: string, taskid: string) => ({
  apiVersion: API_VERSION,
  kind: "ModelTask",
  metadata: { name, namespace: "search" },
  spec: { taskid, tenant: "search", service: { name } },
});
const FILES = JSON.stringify({
  kind: "List",
  items: [
    {
      apiVersion: API_VERSION,
      kind: "Tenant",
      metadata: { name: "search" },
      spec: {
        namespaces: ["search"],
        gateway: { name: "g", namespace: "search", hosts: ["a.example"], deployment: {}, routing: "tree" },
      },
    },
    task("ranking", "666"),
    task("spelling", "667"),
  ],
});
const route: Record<Target, string> = {
  istio: "VirtualService",
  "gateway-api": "HTTPRoute",
  "gateway-api-grpc": "GRPCRoute",
};

it("a task that the schema refuses is not left out of its gateway unasked", async () => {
  const { resources } = parseResources([{ file: "a.json", text: FILES }]);
  const files = byKind(resources);
  const old = task("old", "668");
  await api.apply({ ...old, spec: { ...old.spec, timeout: "0s" } });
  const again = () => plan(api.client, files, { image, target: "istio", prune: false });
  await expect(again()).rejects.toThrow("cluster: ModelTask/old: spec.timeout: must be at least 1ms");
  await api.apply({ ...old, spec: { ...old.spec, tenant: "other", timeout: "0s" } });
  expect((await again()).changes.length).toBeGreaterThan(0);
});

it.each(Object.keys(route) as Target[])("a task goes and leaves the gateway as it is: %s", async (target) => {
  await api.apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "reports", namespace: "search" },
    data: { token: Buffer.from("proof").toString("base64") },
  } as Manifest);
  const { resources } = parseResources([{ file: "a.json", text: FILES }]);
  const done: string[] = [];
  const onDone = ({ metadata }: Manifest) => done.push(metadata.name);
  const all = await plan(api.client, byKind(resources), { image, target, controller, prune: false });
  await applyPlan(api.client, all, { onDone });
  // The match tree comes last: until then Istio's routes are there.
  expect(done.slice(-3, -1).sort()).toEqual(["g.search.ranking", "g.search.spelling"]);
  expect(done.at(-1)).toBe("g-routing");
  const limits = () => {
    const { spec } = api.find("WasmPlugin", "g-modelgate") as WasmPlugin;
    return (spec.pluginConfig as { rateLimit: { controller: object } }).rateLimit.controller;
  };
  const before = limits();
  const key = api.find("Secret", "g-sealing-key");
  expect(key).toBeDefined();
  expect(before).toMatchObject({ sealedToken: expect.stringMatching(/^[0-9a-f]+$/) });
  const sealing = () =>
    (api.find("Deployment", "g") as never as { spec: { template: { metadata: { annotations: object } } } })
      .spec.template.metadata.annotations;
  expect(sealing()).toMatchObject({ "modelgate.dev/sealing-key": "g-sealing-key" });

  await applyPlan(api.client, await taskDeletion(api.client, "spelling", "search"), { onDone });
  expect(api.find(route[target], "spelling")).toBeUndefined();
  expect(api.find("EnvoyFilter", "g.search.spelling")).toBeUndefined();
  expect(api.find("EnvoyFilter", "g.search.ranking")).toBeDefined();
  expect(api.find("ModelTask", "spelling")).toBeUndefined();
  expect(api.find(route[target], "ranking")).toBeDefined();
  expect(limits()).toEqual(before);
  expect(api.find("Secret", "g-sealing-key")).toEqual(key);
  expect(sealing()).toMatchObject({ "modelgate.dev/sealing-key": "g-sealing-key" });
});
