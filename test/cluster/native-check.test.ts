import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { pace, settle } from "../support/pace.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { pushModule } from "./support/images.ts";
import { runModelgate } from "./support/modelgate.ts";
import { SCRIPTED_SERVER_IMAGE } from "./support/node.ts";
import { listOf, TestTenant } from "./support/tenants.ts";
import { modelServer } from "./support/workloads.ts";

const NAMESPACE = "checked";
const tenant = new TestTenant("checked", NAMESPACE, 8866);
const PLUGIN = {
  apiVersion: "extensions.istio.io/v1alpha1",
  kind: "WasmPlugin",
  metadata: { name: "checked-gateway-modelgate", namespace: NAMESPACE },
};

describe("a gateway without its filter", () => {
  let cluster: Cluster;
  let image: string;
  beforeAll(async () => {
    cluster = await startCluster();
    image = await pushModule("gateway");
    await cluster.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
      ...modelServer(NAMESPACE, "task", [{ version: "v1", port: 9000, image: SCRIPTED_SERVER_IMAGE }]),
    );
    await apply();
  });
  afterAll(() => cluster?.stop());

  /** As a WasmPlugin that nobody else has touched. */
  const restore = async () => {
    await cluster.client.delete(PLUGIN as Manifest);
    await apply();
  };
  const apply = async () => {
    const args = ["apply", "-f", "-", "--image", image, "--force-conflicts", "--wait"];
    const applied = await runModelgate(
      cluster.kubeconfig,
      args,
      listOf(tenant.resource(), tenant.task("task")),
    );
    expect(applied.code, applied.stderr).toBe(0);
    await tenant.untilServed("task");
  };
  const calls = () => {
    const [server] = cluster.node.scripted("task-v");
    return server?.calls ?? Number.NaN;
  };
  const bad = { headers: { "x-api-key": "nobody's" } };

  /** Calls without a credential while `change` takes hold, until the answer is `reason`. */
  const refusedUntil = async (reason: string, change: () => Promise<unknown>) => {
    const before = calls();
    await change();
    await vi.waitFor(
      async () => {
        const { status, body } = await tenant.call("task", bad);
        expect(status).toBeGreaterThan(400);
        expect(body).toContain(reason);
      },
      { timeout: 30_000, interval: 50 },
    );
    for (let i = 0; i < 20; i++) expect((await tenant.call("task", bad)).status).toBeGreaterThan(400);
    expect(calls()).toBe(before);
  };

  it("refuses everything when its WasmPlugin is deleted, and status tells", async () => {
    await refusedUntil("filter_missing", () => cluster.client.delete(PLUGIN as Manifest));
    expect((await tenant.call("task")).status).toBe(503);
    expect(await tenant.callGrpc("task")).toBe("14");
    const status = await runModelgate(cluster.kubeconfig, ["status"]);
    expect(status.code).toBe(1);
    expect(status.stdout).toMatch(/refused \d+ requests? unchecked/);
    await restore();
  });

  it("refuses everything while the plug-in selects other pods", async () => {
    const plugin = await cluster.client.get(PLUGIN as Manifest);
    const { spec } = plugin as Manifest & { spec: object };
    await refusedUntil("filter_missing", () =>
      cluster.apply({
        ...(PLUGIN as Manifest),
        spec: { ...spec, selector: { matchLabels: { app: "other" } } },
      }),
    );
    await restore();
  });

  it("refuses everything when its image has a digest that the registry has not", async () => {
    const plugin = (await cluster.client.get(PLUGIN as Manifest)) as Manifest & { spec: { url: string } };
    const url = plugin.spec.url.replace(/sha256:.*/, `sha256:${"0".repeat(64)}`);
    const before = calls();
    await cluster.apply({ ...(PLUGIN as Manifest), spec: { ...plugin.spec, url } });
    for (let i = 0; i < 40; i++, await pace(50))
      expect((await tenant.call("task", bad)).status).toBeGreaterThan(400);
    expect(calls()).toBe(before);
    await restore();
  });

  it("serves with a second WasmPlugin in front", async () => {
    const second = await pushModule("access-log");
    await cluster.apply({
      ...PLUGIN,
      metadata: { name: "in-front", namespace: NAMESPACE },
      spec: {
        selector: { matchLabels: { istio: "checked-gateway" } },
        url: second,
        phase: "AUTHN",
        priority: 200,
        pluginConfig: { accessLog: {} },
      },
    } as Manifest);
    await settle(3000);
    await tenant.untilServed("task");
    const before = calls();
    expect((await tenant.call("task", bad)).status).toBe(401);
    expect(calls()).toBe(before);
  });
});
