import { afterEach, beforeEach, expect, it } from "vitest";
import { byKind } from "../../../tools/api/cross-check.ts";
import { parseResources } from "../../../tools/api/load.ts";
import { applyPlan } from "../../../tools/cluster/deploy/apply.ts";
import { PodsWithoutKey } from "../../../tools/cluster/deploy/keyed-pods.ts";
import { type Plan, plan } from "../../../tools/cluster/deploy/plan.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { parseReference } from "../../../tools/lib/oci/reference.ts";
import { FakeApiServer } from "../../support/fake-api-server.ts";

const image = parseReference(`oci://registry.example/gateway@sha256:${"a".repeat(64)}`);
const FILES = JSON.stringify({
  apiVersion: "modelgate.dev/v1alpha1",
  kind: "Tenant",
  metadata: { name: "search" },
  spec: {
    namespaces: ["search"],
    gateway: { name: "g", namespace: "search", hosts: ["a.example"], deployment: {} },
  },
});
let api: FakeApiServer;

beforeEach(async () => {
  api = new FakeApiServer();
  await api.start();
  const metadata = { name: "reports", namespace: "search" };
  const data = { token: Buffer.from("proof").toString("base64") };
  await api.apply({ apiVersion: "v1", kind: "Secret", metadata, data } as Manifest);
  await applyPlan(api.client, await planned(), { onDone: () => {} });
  await api.apply(pod("old"));
});
afterEach(() => api.stop());

/** @param tokenSecret of the controller: with it comes the gateway's first secret */
function planned(tokenSecret?: string): Promise<Plan> {
  const { resources } = parseResources([{ file: "a.json", text: FILES }]);
  const controller = { namespace: "modelgate-system", service: "controller", port: 8090 };
  return plan(api.client, byKind(resources), {
    ...{ image, target: "istio", prune: false },
    controller: { ...controller, ...(tokenSecret !== undefined && { tokenSecret }) },
  });
}

function pod(name: string, annotations = {}): Manifest {
  const metadata = { name, namespace: "search", labels: { istio: "g" }, annotations };
  return { apiVersion: "v1", kind: "Pod", metadata, status: { phase: "Running" } } as Manifest;
}

const sealed = () => JSON.stringify(api.find("WasmPlugin", "g-modelgate")).includes('"sealedToken"');

it("pods with the key come before what is sealed with it; what was begun goes on", async () => {
  api.writes.length = 0;
  const soon = applyPlan(api.client, await planned("reports"), { onDone: () => {} });
  await expect(soon).rejects.toThrow(PodsWithoutKey);
  await expect(soon).rejects.toThrow("replaces pods that lack the sealing key: old; the configuration waits");
  expect(api.writes.filter((each) => /secrets|deployments|wasmplugins/.test(each))).toEqual([
    expect.stringContaining("/secrets"),
    expect.stringContaining("/deployments/g"),
  ]);
  expect(sealed()).toBe(false);

  const said: string[] = [];
  const onWait = (line: string) => {
    said.push(line);
    void api.apply(pod("new", { "modelgate.dev/sealing-key": "g-sealing-key" }));
    void api.client.delete(pod("old"));
  };
  const wait = { timeoutSeconds: 30, onWait };
  await applyPlan(api.client, await planned("reports"), { wait, onDone: () => {} });
  expect(said).toEqual(["waiting: Deployment search/g replaces pods that lack the sealing key: old"]);
  expect(sealed()).toBe(true);
});

it("pods that have ended are not waited for, nor is anything in a dry run or once secrets are sealed", async () => {
  await applyPlan(api.client, await planned("reports"), { dryRun: true, onDone: () => {} });
  await api.apply({ ...pod("old"), status: { phase: "Succeeded" } } as Manifest);
  await applyPlan(api.client, await planned("reports"), { onDone: () => {} });
  expect(sealed()).toBe(true);
  await api.apply(pod("odd"));
  const changed = await planned("reports");
  for (const { desired } of changed.changes)
    if (desired.kind === "WasmPlugin") Object.assign(desired.spec as object, { priority: 7 });
  await applyPlan(api.client, changed, { onDone: () => {} });
  expect(api.find("WasmPlugin", "g-modelgate")?.spec).toMatchObject({ priority: 7 });
});
