import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { packImage } from "../../tools/lib/oci/image.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { pushImage } from "../../tools/lib/oci/registry.ts";
import { offer } from "../support/load.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { pushModule } from "./support/images.ts";
import { runModelgate } from "./support/modelgate.ts";
import { REGISTRY } from "./support/registry.ts";
import { EXAMPLE_KEY, HOST, post, send } from "./support/requests.ts";
import { modelServer } from "./support/workloads.ts";

const EXAMPLE = fileURLToPath(new URL("manifests/examples/new-tenant", PROJECT_ROOT));
const ROWS = '{"rows": [[1, 2, 3, 4, 5, 6, 7, 8]]}';
const NOWHERE = `oci://${REGISTRY}/converters/nowhere@sha256:${"0".repeat(64)}`;
const MANY = 200;
const REQUESTS_PER_SECOND = 200;
const LOAD_SECONDS = 20;

describe("converters", () => {
  let cluster: Cluster;
  let image: string;
  let tenant: string;
  let folder: string;
  let first: string;
  let second: string;

  beforeAll(async () => {
    cluster = await startCluster();
    folder = join(cluster.folder, "best-class");
    image = await pushModule("gateway");
    tenant = (await readFile(join(EXAMPLE, "tenant.yaml"), "utf8"))
      .replace("minReplicas: 2", "minReplicas: 1")
      .replace("1000", "1000000");
    await cluster.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "search" } },
      ...modelServer("search", "service-666", [{ version: "v1", port: 9000 }]),
    );
  });
  afterAll(() => cluster?.stop());

  const modelgate = async (args: string[], stdin?: string) => {
    const { code, stdout, stderr } = await runModelgate(cluster.kubeconfig, args, stdin);
    expect(code, stderr).toBe(0);
    return stdout.trim();
  };
  const apply = (tasks: string[]) =>
    modelgate(["apply", "-f", "-", "--prune", "--image", image, "--wait"], [tenant, ...tasks].join("---\n"));
  const ask = (taskid: string, status: number, content = ROWS) => post({ taskid }, status, content);

  it("are made, built and pushed by the command", async () => {
    const push = async (tag: string) => {
      await modelgate(["build", "--converter", folder]);
      return modelgate(["push", "--converter", folder, `oci://${REGISTRY}/converters/best-class:${tag}`]);
    };
    await modelgate(["new", "converter", "best-class", "--dir", folder]);
    first = await push("1");
    const source = join(folder, "converter.ts");
    const text = await readFile(source, "utf8");
    await writeFile(
      source,
      text.replace('.object().key("best")', '.object().key("second").boolean(true).key("best")'),
    );
    second = await push("2");
    expect(first).toMatch(/^oci:\/\/127\.0\.0\.1:5000\/converters\/best-class@sha256:[0-9a-f]{64}$/);
    expect(second).not.toBe(first);
  });

  it("serve what a ModelTask names by digest", async () => {
    await apply([task("666", first)]);
    const answer = JSON.parse(await ask("666", 200));
    expect(answer.best).toHaveLength(1);
    expect(answer.scores).toHaveLength(2);
    expect(JSON.parse(await ask("666", 400, '{"rows": [["x"]]}'))).toMatchObject({
      reason: "converter_refused",
    });
    await expect
      .poll(async () => (await gatewayLog()).filter((line) => line.includes('"reason":"converter_refused"')))
      .not.toEqual([]);
  });

  it("are changed and taken back under load without a failed request", async () => {
    const load = offer({
      port: 8866,
      headers: { ":authority": HOST, "x-api-key": EXAMPLE_KEY, taskid: "666" },
      body: ROWS,
      connections: 8,
      requestsPerSecond: REQUESTS_PER_SECOND,
      seconds: LOAD_SECONDS,
    });
    const answers = async () => JSON.parse(await ask("666", 200)).second === true;
    await apply([task("666", second)]);
    await expect.poll(answers).toBe(true);
    await apply([task("666", first)]);
    await expect.poll(answers).toBe(false);
    expect(await load).toEqual({ 200: REQUESTS_PER_SECOND * LOAD_SECONDS });
  });

  it("that can't be pulled are their own task's trouble", async () => {
    await apply([task("666", first), task("667", NOWHERE)]);
    await ask("667", 403);
    await ask("666", 200);
    await restartGateway();
    await ask("666", 200);
    await ask("667", 403);
    await apply([task("666", first), task("667", second)]);
    expect(JSON.parse(await ask("667", 200)).second).toBe(true);
  });

  it(`${MANY} of them start and serve`, async () => {
    const module = await readFile(join(folder, "build/converter.wasm"));
    const images: string[] = [];
    for (let i = 0; i < MANY; i++) {
      const packed = await packImage(withSection(module, `task ${i}`), "compat");
      images.push(await pushImage(packed, parseReference(`oci://${REGISTRY}/converters/many:${i}`)));
    }
    await apply(images.map((each, i) => task(`many-${i}`, each)));
    await served(`many-${MANY - 1}`);
    const started = performance.now();
    await restartGateway();
    await served("many-0");
    const seconds = (performance.now() - started) / 1000;
    for (let i = 0; i < MANY; i++) expect(JSON.parse(await ask(`many-${i}`, 200)).best).toHaveLength(1);
    console.log(
      `${MANY} converters: a new pod serves after ${seconds.toFixed(1)} s, its Envoy's memory ${await envoyMegabytes()} MB`,
    );
  }, 400_000);

  /** Waits until a task is answered: a gateway makes hundreds of VMs one after the other. */
  async function served(taskid: string): Promise<void> {
    const status = async () => (await send({ taskid }, undefined, ROWS).catch(() => ({ status: 0 }))).status;
    await expect.poll(status, { timeout: 150_000, interval: 300 }).toBe(200);
  }

  async function gatewayPod(): Promise<string> {
    const pods = await cluster.client.list("v1", "Pod", {
      namespace: "search",
      labelSelector: "istio=search-gateway",
    });
    return pods.find(({ metadata }) => !("deletionTimestamp" in metadata))?.metadata.name ?? "";
  }

  async function gatewayLog(): Promise<string[]> {
    return ((await cluster.node.gateway(await gatewayPod())?.log()) ?? "").split("\n");
  }

  /** A new pod in the place of the one there is. */
  async function restartGateway(): Promise<void> {
    const name = await gatewayPod();
    await cluster.client.delete({ apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "search" } });
    await expect
      .poll(async () => cluster.node.gateway(await gatewayPod()) !== undefined, { timeout: 150_000 })
      .toBe(true);
    expect(await gatewayPod()).not.toBe(name);
  }
});

function task(taskid: string, converter: string): string {
  return JSON.stringify({
    apiVersion: "modelgate.dev/v1alpha1",
    kind: "ModelTask",
    metadata: { name: `task-${taskid}`, namespace: "search" },
    spec: { taskid, tenant: "search", service: { name: "service-666" }, conversion: { converter } },
  }).concat("\n");
}

/** The same module with another digest: it has a custom section more. */
function withSection(module: Uint8Array, name: string): Uint8Array {
  const text = Buffer.from(name);
  return Buffer.concat([module, Buffer.of(0, text.length + 1, text.length), text]);
}

/** Resident memory of the largest Envoy of the lane, which sees no other processes than its own. */
async function envoyMegabytes(): Promise<string> {
  const { stdout } = await promisify(execFile)("ps", ["-e", "-o", "rss=,comm="]);
  const lines = stdout.split("\n").filter((line) => line.includes("envoy"));
  return (Math.max(...lines.map((line) => Number.parseFloat(line))) / 1024).toFixed(0);
}
