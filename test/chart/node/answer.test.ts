import { execFile } from "node:child_process";
import { chown, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { KubeConfig } from "@kubernetes/client-node";
import { beforeAll, describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { KubernetesClient } from "../../../tools/lib/kubernetes/client.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { linear } from "../../../tools/serving/model-server/linear-model.ts";
import { REGISTRY } from "../../node/support/addresses.ts";
import { MODELGATE_IMAGE } from "../../node/support/images.ts";
import { installIstio, kubectl } from "../../node/support/istio.ts";
import { FEATURES, infer, untilServed, whileAsked } from "../../node/support/requests.ts";
import { hostVolume, modelServer } from "../../node/support/workloads.ts";
import { CHART, helm } from "../../support/helm.ts";

/** npm run test:node -- chart: from nothing to an answer with one push, helm install and kubectl apply. */

const SYSTEM = "modelgate-system";
const COLLECTOR_USER = 10_001;
/** Of the example's tenant. */
const KEY = "demo-search-key";
const PROJECT = fileURLToPath(PROJECT_ROOT);

const config = new KubeConfig();
config.loadFromDefault();
const client = new KubernetesClient(config);
const folder = join(dirname(config.getCurrentCluster()?.caFile ?? ""), "chart");
const apply = async (...objects: Manifest[]) => {
  for (const object of objects) await client.apply(object, { fieldManager: "node-test", force: true });
};

describe("the chart in a node", () => {
  let filter: string;
  beforeAll(async () => {
    await mkdir(folder);
    await installIstio(folder);
    await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "search" } });
    await apply(...modelServer("search", "service-666"));
    for (const version of ["v1", "v2"]) await apply(...modelServer("search", "service-667", { version }));
    await mkdir(join(folder, "collector"));
    await chown(join(folder, "collector"), COLLECTOR_USER, COLLECTOR_USER);
    await apply(hostVolume(join(folder, "collector")));
  });

  /** @throws AssertionError with what Helm said */
  async function run(...args: string[]): Promise<void> {
    const [repository, tag] = MODELGATE_IMAGE.split(":");
    const { code, stderr } = await helm(folder, [
      ...[...args, "modelgate", CHART, "--namespace", SYSTEM, "--wait", "--timeout", "160s"],
      ...["--set", `controller.image.repository=${repository}`, "--set", `controller.image.tag=${tag}`],
      ...["--set-json", `controller.args=${JSON.stringify([`--image=${filter}`])}`],
    ]);
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  }

  it("one push", async () => {
    const args = ["push", `oci://${REGISTRY}/modelgate/gateway:v1`, "--plain-http"];
    const command = [join(PROJECT, "tools/cli/modelgate.ts"), ...args];
    const { stdout } = await promisify(execFile)(process.execPath, command);
    filter = stdout.trim();
    expect(filter).toMatch(/@sha256:[0-9a-f]{64}$/);
  });

  it("helm install: controller and collector become ready", () => run("install", "--create-namespace"));

  it("kubectl apply of the example: the controller makes gateway and routes, a request is answered", async () => {
    const example = join(folder, "example");
    await cp(join(PROJECT, "manifests/examples/new-tenant"), example, { recursive: true });
    const file = join(example, "tenant.yaml");
    const tenant = parseDocument(await readFile(file, "utf8"));
    // To fit this node.
    tenant.setIn(["spec", "gateway", "deployment", "requests"], { cpu: "50m", memory: "128Mi" });
    await writeFile(file, String(tenant));
    await kubectl("apply", "-f", example);
    await kubectl("wait", "--for=condition=Ready", "tenant/search", "--timeout=150s");
    await untilServed(KEY).catch(async (error) => {
      const columns = "custom-columns=KIND:.kind,NAME:.metadata.name,READY:.status.conditions[*].message";
      const objects = await kubectl("get", "tenants,modeltasks", "-n", "search", "-o", columns);
      throw new Error(`${error.message}\n${objects}`);
    });
    const { status, body } = await infer(KEY);
    expect(status, body).toBe(200);
    const [output] = JSON.parse(body).outputs;
    expect(Float32Array.from(output.data)).toEqual(linear(Float32Array.from(FEATURES)));
    expect((await infer("wrong")).status).toBe(401);
  });

  it("helm upgrade loses no request", async () => {
    const counts = await whileAsked(KEY, () =>
      run("upgrade", "--set", "controller.priorityClassName=system-cluster-critical"),
    );
    expect(counts).toEqual({ 200: expect.any(Number) });
    expect(counts["200"]).toBeGreaterThan(50);
  });
});
