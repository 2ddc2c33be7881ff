import { beforeAll, describe, expect, it } from "vitest";
import { envoyAdmin } from "../../tools/lib/envoy/admin.ts";
import { linear } from "../../tools/serving/model-server/linear-model.ts";
import { NODE_NAME } from "./support/addresses.ts";
import { client, containersOf, gatewayPods } from "./support/cluster.ts";
import { podProcesses } from "./support/pod-processes.ts";
import { FEATURES, infer, untilServed } from "./support/requests.ts";
import * as search from "./support/search.ts";
import type { Tutorial } from "./support/tutorial.ts";

/** The page builds the filters, too, which takes long where their modules are not in the cache. */
const BUILD_TIMEOUT_MS = 600_000;
const COLLECTOR = `http://modelgate-collector.${search.SYSTEM}.svc.cluster.local:8092`;

it("has a node whose kubelet is of the pinned version", async () => {
  const node = await client.get({ apiVersion: "v1", kind: "Node", metadata: { name: NODE_NAME } });
  expect(node.status).toMatchObject({ nodeInfo: { kubeletVersion: "v1.36.3" } });
});

describe("the page on clusters, line by line", () => {
  let tutorial: Tutorial;
  let key = "";
  beforeAll(async () => {
    tutorial = await search.openTutorial();
    await search.prepareIstio();
  });

  it(
    "pushes the filter",
    async () => {
      const { code, stderr } = await search.pushFilter(tutorial);
      expect(code, stderr).toBe(0);
    },
    BUILD_TIMEOUT_MS,
  );

  it("finds in the cluster what Modelgate needs", async () => {
    const { code, stdout, stderr } = await tutorial.runTo("modelgate doctor");
    expect(code, stdout + stderr).toBe(0);
  });

  it("installs: controller and collector become ready as the manifests have them", async () => {
    const { code, stderr } = await search.installModelgate(tutorial);
    expect(code, stderr).toBe(0);
  });

  it("describes a tenant and makes a key", async () => {
    key = await search.describeTenant(tutorial);
    const { code, stderr } = await tutorial.runTo("modelgate validate");
    expect(code, stderr).toBe(0);
  });

  it("applies it: the gateway's own pods run the filter from the registry", async () => {
    const applied = await search.applyTenant(tutorial);
    expect(applied.code, applied.stdout + applied.stderr).toBe(0);
    const status = await tutorial.runTo("modelgate status");
    expect(status.code, status.stdout).toBe(0);
    expect(tutorial.left).toEqual([]);
  });

  it("finds the gateway well, with Modelgate's overload manager in the bootstrap of its Envoys", async () => {
    const { code, stdout } = await tutorial.run("modelgate doctor -o json");
    expect(code, stdout).toBe(0);
    const findings: { check: string; state: string; says: string }[] = JSON.parse(stdout).findings;
    const said = findings.filter(({ check }) => check === "gateway search/search-gateway");
    expect(said.map(({ state }) => state)).toEqual(["ok", "ok"]);
    expect(said[1]?.says).toContain("2 pods have the filter that they should");
    for (const { name } of await gatewayPods()) {
      const pod = { name, namespace: "search" };
      const dump = await envoyAdmin(client, pod, "/config_dump?mask=bootstrap.overload_manager");
      const bytes = 0.75 * search.GATEWAY_MEMORY_MIB * 2 ** 20;
      expect(dump).toContain(`"max_heap_size_bytes": "${bytes}"`);
    }
  });

  it("answers JSON with what the gRPC model computed", async () => {
    await search.keepServed(tutorial, key);
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
    const many = Array.from({ length: 10 * search.REQUESTS_PER_SECOND }, () => infer(key, "667"));
    const answers = await Promise.all(many);
    const count = (wanted: number) => answers.filter(({ status }) => status === wanted).length;
    expect(count(200)).toBeGreaterThan(0);
    expect(count(429)).toBeGreaterThan(5 * search.REQUESTS_PER_SECOND);
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
    const restarted = (await containersOf()).filter(({ restartCount }) => restartCount > 0);
    expect(restarted).toEqual([]);
  });
});
