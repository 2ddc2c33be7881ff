import { chown, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { KubernetesClient } from "../../tools/lib/kubernetes/client.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { linear } from "../../tools/serving/model-server/linear-model.ts";
import { NODE_NAME } from "./support/addresses.ts";
import { installIstio, kubectl } from "./support/istio.ts";
import { podProcesses } from "./support/pod-processes.ts";
import { FEATURES, infer, untilServed, whileAsked } from "./support/requests.ts";
import { Tutorial } from "./support/tutorial.ts";
import { hostVolume, modelServer } from "./support/workloads.ts";

const COLLECTOR_USER = 10_001;
/** The page builds the filters, too, which takes long where their modules are not in the cache. */
const BUILD_TIMEOUT_MS = 600_000;
const SYSTEM = "modelgate-system";
const COLLECTOR = `http://modelgate-collector.${SYSTEM}.svc.cluster.local:8092`;
/** Of task 667, in all pods of the gateway. */
const REQUESTS_PER_SECOND = 6;

const config = new KubeConfig();
config.loadFromDefault();
const client = new KubernetesClient(config);
const folder = join(dirname(config.getCurrentCluster()?.caFile ?? ""), "story");
const apply = async (...objects: Manifest[]) => {
  for (const object of objects) await client.apply(object, { fieldManager: "node-test", force: true });
};

const MODELS = ["666-v1", "667-v1", "667-v2"].map((name) => `deployment/service-${name}`);
const rolledOut = (namespace: string, workload: string) =>
  kubectl("-n", namespace, "rollout", "status", workload, "--timeout=150s");

const podsOf = async (namespace: string) =>
  (await kubectl("-n", namespace, "get", "pods", "-o", "name")).trim().split("\n");

/** What the example needs to fit this node, and to be limited and logged. */
async function edit(file: string, change: (document: ReturnType<typeof parseAllDocuments>[0]) => void) {
  const path = join(folder, "my-tenant", file);
  const documents = parseAllDocuments(await readFile(path, "utf8"));
  for (const document of documents) change(document);
  await writeFile(path, documents.join("---\n"));
}

it("has a node whose kubelet is of the pinned version", async () => {
  const node = await client.get({ apiVersion: "v1", kind: "Node", metadata: { name: NODE_NAME } });
  expect(node.status).toMatchObject({ nodeInfo: { kubeletVersion: "v1.36.3" } });
});

describe("the page on clusters, line by line", () => {
  let tutorial: Tutorial;
  let key = "";
  beforeAll(async () => {
    tutorial = await Tutorial.open(folder);
    await installIstio(folder);
  });

  it(
    "pushes the filter",
    async () => {
      const { code, stderr } = await tutorial.runTo("modelgate push");
      expect(code, stderr).toBe(0);
    },
    BUILD_TIMEOUT_MS,
  );

  it("installs: controller and collector become ready as the manifests have them", async () => {
    const volume = join(folder, "collector");
    await mkdir(volume);
    await chown(volume, COLLECTOR_USER, COLLECTOR_USER);
    await apply(hostVolume(volume));
    const { code, stderr } = await tutorial.runTo("modelgate install");
    expect(code, stderr).toBe(0);
    for (const workload of ["deployment/modelgate-controller", "statefulset/modelgate-collector"])
      await rolledOut(SYSTEM, workload);
  });

  it("describes a tenant and makes a key", async () => {
    await tutorial.runTo("cp ");
    await edit("tenant.yaml", (document) => {
      document.setIn(["spec", "gateway", "deployment", "requests"], { cpu: "50m", memory: "128Mi" });
      document.setIn(["spec", "gateway", "tuning", "accessLog", "collector"], {});
    });
    await edit("tasks.yaml", (document) => {
      if (document.getIn(["spec", "taskid"]) === "667")
        document.setIn(["spec", "limits", "requestsPerSecond"], REQUESTS_PER_SECOND);
    });
    const created = await tutorial.runTo("modelgate credentials create");
    expect(created.code, created.stderr).toBe(0);
    key = created.stdout.trim().split(/\s+/).at(-1) ?? "";
    const { code, stderr } = await tutorial.runTo("modelgate validate");
    expect(code, stderr).toBe(0);
  });

  it("applies it: the gateway's own pods run the filter from the registry", async () => {
    await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "search" } });
    await apply(...modelServer("search", "service-666"));
    for (const version of ["v1", "v2"]) await apply(...modelServer("search", "service-667", version));
    expect((await tutorial.runTo("modelgate diff")).code).toBe(1);
    const applied = await tutorial.runTo("modelgate apply");
    expect(applied.code, applied.stdout + applied.stderr).toBe(0);
    const status = await tutorial.runTo("modelgate status");
    expect(status.code, status.stdout).toBe(0);
    expect(tutorial.left).toEqual([]);
    for (const model of MODELS) await rolledOut("search", model);
  });

  it("answers JSON with what the gRPC model computed", async () => {
    await untilServed(key);
    const seconds = (Date.now() - Number(process.env.NODE_STARTED_MS)) / 1000;
    console.log(`from no node to the first answer of the model: ${seconds.toFixed(1)} s`);
    const { status, body } = await infer(key);
    expect(status, body).toBe(200);
    const [output] = JSON.parse(body).outputs;
    expect(output).toMatchObject({ shape: [1, 2], datatype: "FP32" });
    expect(Float32Array.from(output.data)).toEqual(linear(Float32Array.from(FEATURES)));
  });

  it("refuses a wrong key, and what is over the limit", async () => {
    expect((await infer(`${key}x`)).status).toBe(401);
    await untilServed(key, "667");
    const many = Array.from({ length: 10 * REQUESTS_PER_SECOND }, () => infer(key, "667"));
    const answers = await Promise.all(many);
    const count = (wanted: number) => answers.filter(({ status }) => status === wanted).length;
    expect(count(200)).toBeGreaterThan(0);
    expect(count(429)).toBeGreaterThan(5 * REQUESTS_PER_SECOND);
    expect(count(200) + count(429)).toBe(answers.length);
  });

  it("has the requests in the collector's log", async () => {
    const lines = () => tutorial.run(`modelgate logs --collector ${COLLECTOR} -o json --tail 1000`);
    const codes = async () => {
      const { stdout } = await lines();
      return stdout
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line).response_code);
    };
    await expect
      .poll(codes, { timeout: 60_000, interval: 1000 })
      .toEqual(expect.arrayContaining([200, 401, 429]));
  });

  it("runs no process of a pod as root or with a capability, and started none twice", async () => {
    const processes = podProcesses();
    expect(processes.length).toBeGreaterThanOrEqual(10);
    expect(processes.filter(({ user, capabilities }) => user === 0 || capabilities !== 0n)).toEqual([]);
    const pods = await client.list("v1", "Pod");
    const restarts = pods.flatMap(({ metadata, status }) =>
      (status as { containerStatuses: { name: string; restartCount: number }[] }).containerStatuses.map(
        ({ name, restartCount }) => `${metadata.name}/${name}: ${restartCount}`,
      ),
    );
    expect(restarts.filter((each) => !each.endsWith(": 0"))).toEqual([]);
  });

  it.each(["deployment/search-gateway", "deployment/service-666-v1"])(
    "a rolling update of %s under load loses nothing",
    async (workload) => {
      const counts = await whileAsked(key, async () => {
        const before = await podsOf("search");
        await kubectl("-n", "search", "rollout", "restart", workload);
        await rolledOut("search", workload);
        const [, name = ""] = workload.split("/");
        const replaced = before.filter((each) => each.startsWith(`pod/${name}-`));
        expect(replaced.length).toBeGreaterThan(0);
        await kubectl("-n", "search", "wait", "--for=delete", "--timeout=120s", ...replaced);
      });
      console.log(`${workload} replaced under load: ${JSON.stringify(counts)}`);
      expect(counts).toEqual({ 200: expect.any(Number) });
      expect(counts["200"]).toBeGreaterThan(100);
    },
  );

  it.each([
    [SYSTEM, "modelgate-controller", 30],
    [SYSTEM, "modelgate-collector", 60],
    ["search", "service-667-v1", 30],
  ])("in %s, %s ends at SIGTERM, well before its %i s of grace", async (namespace, name, graceSeconds) => {
    const pod = (await podsOf(namespace)).find((each) => each.startsWith(`pod/${name}-`));
    const started = Date.now();
    await kubectl("-n", namespace, "delete", pod ?? "");
    const seconds = (Date.now() - started) / 1000;
    console.log(`${name} ended after ${seconds.toFixed(1)} s`);
    expect(seconds).toBeLessThan(graceSeconds / 2);
  });
});
