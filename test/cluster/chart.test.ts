import { existsSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { CHART, helm, IMAGE } from "../support/helm.ts";
import { until } from "../support/until.ts";
import { type ControlPlane, startControlPlane } from "./support/api-server.ts";
import { runModelgate } from "./support/modelgate.ts";
import { program } from "./support/programs.ts";

const NAMESPACE = "modelgate-system";
const TENANTS = "tenants.modelgate.dev";
const there = existsSync(await program("helm", "helm"));
if (!there) console.warn("the chart is not tested here: npm run test:chart builds Helm");

describe.skipIf(!there)("the chart in a cluster", () => {
  let cluster: ControlPlane;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "modelgate-chart-"));
    cluster = await startControlPlane(folder);
  });
  afterAll(async () => {
    for (const each of cluster?.programs ?? []) await each.stop();
  });

  /** Runs Helm against the API server. @throws AssertionError when it fails */
  async function run(...args: string[]): Promise<string> {
    const all = [...args, "--namespace", NAMESPACE];
    const { code, stdout, stderr } = await helm(folder, all, { KUBECONFIG: cluster.kubeconfig });
    expect([code, code === 0 ? "" : stderr], args.join(" ")).toEqual([0, ""]);
    return stdout;
  }
  const get = (apiVersion: string, kind: string, name: string) =>
    cluster.client.get({ apiVersion, kind, metadata: { name, namespace: NAMESPACE } } as Manifest);
  const definition = () => get("apiextensions.k8s.io/v1", "CustomResourceDefinition", TENANTS);
  const tenant = {
    apiVersion: "modelgate.dev/v1alpha1",
    kind: "Tenant",
    metadata: { name: "search" },
    spec: { namespaces: ["a"], gateway: { name: "g", namespace: "a", hosts: ["a.example"] } },
  };

  it("takes over what modelgate install made", async () => {
    const installed = await runModelgate(cluster.kubeconfig, [
      "install",
      "--image",
      "registry.example/old:1",
      "--no-wait",
    ]);
    expect([installed.code, installed.stderr]).toEqual([0, ""]);
    await cluster.client.apply(tenant, { fieldManager: "cluster-test" });
    const forced = ["--take-ownership", "--force-conflicts"];
    const said = await run("upgrade", "--install", ...forced, "modelgate", CHART, ...IMAGE);
    expect(said).toContain("kubectl label namespace modelgate-system");
    expect(await get("apps/v1", "Deployment", "modelgate-controller")).toMatchObject({
      metadata: { annotations: { "meta.helm.sh/release-name": "modelgate" } },
      spec: { template: { spec: { containers: [{ image: "registry.example/modelgate:0.1.0" }] } } },
    });
    const pods = () => cluster.client.list("v1", "Pod", { namespace: NAMESPACE });
    await expect.poll(async () => (await pods()).length).toBeGreaterThanOrEqual(3);
  });

  it("an upgrade brings the definitions of its chart", async () => {
    const [version] = ((await definition()).spec as { versions: object[] }).versions;
    const without = structuredClone(version) as { additionalPrinterColumns?: object[] };
    without.additionalPrinterColumns = [];
    await cluster.client.mergePatch(await definition(), { spec: { versions: [without] } });
    await run("upgrade", "--force-conflicts", "modelgate", CHART, ...IMAGE, "--set", "controller.replicas=3");
    const now = ((await definition()).spec as { versions: { additionalPrinterColumns: object[] }[] })
      .versions;
    expect(now[0]?.additionalPrinterColumns.length).toBeGreaterThan(2);
    expect(await get("apps/v1", "Deployment", "modelgate-controller")).toMatchObject({
      spec: { replicas: 3 },
    });
  });

  it("uninstalled, it leaves the definitions, Tenants and the collector's volume", async () => {
    await run("uninstall", "modelgate");
    const gone = async () =>
      (await get("apps/v1", "Deployment", "modelgate-controller").catch(() => undefined)) === undefined;
    await until(gone, { message: "the controller stays" });
    expect(await definition()).toMatchObject({ metadata: { name: TENANTS } });
    expect(await cluster.client.list("modelgate.dev/v1alpha1", "Tenant")).toHaveLength(1);
    const volumes = await cluster.client.list("v1", "PersistentVolumeClaim", { namespace: NAMESPACE });
    expect(volumes.map(({ metadata }) => metadata.name)).toEqual(["store-modelgate-collector-0"]);
  });
});
