import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { envoyAdmin } from "../../tools/lib/envoy/admin.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { packImage } from "../../tools/lib/oci/image.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { pushImage } from "../../tools/lib/oci/registry.ts";
import { readModule } from "../../tools/lib/wasm/read.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { pushModule } from "./support/images.ts";
import { runModelgate } from "./support/modelgate.ts";
import { REGISTRY } from "./support/registry.ts";
import { post, sendMany } from "./support/requests.ts";
import { modelServer } from "./support/workloads.ts";

const EXAMPLE = fileURLToPath(new URL("manifests/examples/new-tenant", PROJECT_ROOT));

describe("a new tenant", () => {
  let cluster: Cluster;
  let image: string;
  beforeAll(async () => {
    cluster = await startCluster();
    image = await pushModule("gateway");
    await cluster.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "search" } },
      ...modelServer("search", "service-666", [{ version: "v1", port: 9000 }]),
      ...modelServer("search", "service-667", [
        { version: "v1", port: 9001 },
        { version: "v2", port: 9002 },
      ]),
    );
  });
  afterAll(() => cluster?.stop());

  const modelgate = (...args: string[]) => runModelgate(cluster.kubeconfig, args);
  const modelgateStdin = (input: string, ...args: string[]) => runModelgate(cluster.kubeconfig, args, input);

  it("differs before it is applied", async () => {
    const { code, stdout, stderr } = await modelgate("diff", "-f", EXAMPLE, "--image", image);
    expect(stderr).toBe("");
    expect(code).toBe(1);
    expect(stdout).toContain("+++ VirtualService search/ranking");
  });

  it("serves after one apply", async () => {
    const started = performance.now();
    const first = Promise.all(["666", "667"].map((taskid) => post({ taskid }, 200))).then(
      () => (performance.now() - started) / 1000,
    );
    const { code, stdout, stderr } = await modelgate("apply", "-f", EXAMPLE, "--image", image, "--wait");
    console.log(
      `a tenant with two tasks: both answer ${(await first).toFixed(1)} s after the command began, done in ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
    expect(stderr.replace(/^waiting: .*\n/gm, "")).toBe("");
    expect(code).toBe(0);
    expect(stdout).toContain("WasmPlugin search/search-gateway-modelgate created");
    expect(await post({ taskid: "666" }, 200)).toContain('"y"');
    expect(await post({ taskid: "667", version: "v2" }, 200)).toContain('"y"');
    await post({ taskid: "667", version: "v9" }, 404);
    expect(await post({ taskid: "666", "x-api-key": "wrong" }, 401)).toContain("credential_unknown");
  });

  it("differs no more", async () => {
    expect(await modelgate("diff", "-f", EXAMPLE)).toEqual({ code: 0, stdout: "", stderr: "" });
    const { stdout } = await modelgate("apply", "-f", EXAMPLE);
    expect(stdout).toMatch(/^\d+ unchanged\n$/);
  });

  it("each gateway pod runs the digest that it should", async () => {
    const { code, stdout } = await modelgate("status", "-o", "json");
    expect(code).toBe(0);
    const { gateways } = JSON.parse(stdout);
    const pod = { slice: "stable", inSync: true, running: image.split("@")[1] };
    expect(gateways).toMatchObject([{ tenant: "search", pods: [pod, pod] }]);
    expect((await modelgate("get", "modeltasks", "-o", "wide")).stdout).toMatch(
      /search +spelling +667 +search +v1=90%,v2=10%/,
    );
  });

  it("Envoy has what Istio has no field for", async () => {
    const [pod] = await cluster.client.list("v1", "Pod", {
      namespace: "search",
      labelSelector: "istio=search-gateway",
    });
    const name = pod?.metadata.name ?? "";
    const dump = await envoyAdmin(
      cluster.client,
      { namespace: "search", name },
      "/config_dump?resource=dynamic_listeners",
    );
    expect(dump).not.toContain("envoy.filters.http.grpc_stats");
    expect(dump).toContain('"per_connection_buffer_limit_bytes": 1048576');
    expect(dump).toContain('"initial_stream_window_size": 16777216');
    // Any of the gateway's pods may have had the requests so far.
    for (let i = 0; i < 20; i++) await post({ taskid: "666" }, 200);
    const lines = async () => (await cluster.node.gateway(name)?.log())?.split("\n") ?? [];
    await expect
      .poll(
        async () => (await lines()).filter((line) => line.startsWith("{")).map((line) => JSON.parse(line)),
        {
          timeout: 10_000,
        },
      )
      .toContainEqual(expect.objectContaining({ response_code: 200, taskid: "666" }));
  });

  it("shows what deleting a task would do", async () => {
    const args = ["delete", "modeltask", "spelling", "-n", "search", "--dry-run", "server"];
    const { code, stdout, stderr } = await modelgate(...args);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("VirtualService search/spelling deleted (server dry run)");
    expect(stdout).toContain("WasmPlugin search/search-gateway-modelgate configured (server dry run)");
    expect(stdout).not.toContain("Tenant search");
    expect((await modelgate("get", "modeltasks", "spelling")).code).toBe(0);
  });

  it("takes the other form of image by its digest", async () => {
    const artifact = await packImage(await readModule("gateway"), "artifact");
    const reference = parseReference(`oci://${REGISTRY}/modelgate/artifact:v1`);
    const pushed = await pushImage(artifact, reference);
    expect((await modelgate("apply", "-f", EXAMPLE, "--image", pushed, "--wait", "--timeout=60")).code).toBe(
      0,
    );
    expect((await modelgate("status", "-o", "wide")).stdout).toContain(artifact.manifest.digest);
    expect(await post({ taskid: "666" }, 200)).toContain('"y"');
  });

  it("splits by weight and by header", async () => {
    const tenant = (await readFile(join(EXAMPLE, "tenant.yaml"), "utf8")).replace("1000", "1000000");
    await modelgateStdin(tenant, "apply", "-f", "-", "--wait");
    const before = await requestsByVersion();
    expect(await sendMany(10_000, { taskid: "667" })).toEqual(new Map([[200, 10_000]]));
    const grey = await requestsByVersion();
    const share = (grey.v2 - before.v2) / 10_000;
    console.log(`grey release: ${(share * 100).toFixed(2)} % of 10,000 requests to v2, 10 % wanted`);
    // Four standard deviations of a binomial distribution.
    expect(Math.abs(share - 0.1)).toBeLessThan(4 * Math.sqrt((0.1 * 0.9) / 10_000));
    const chosen = { taskid: "667", "x-experiment": "spelling-v2" };
    expect(await sendMany(10_000, chosen)).toEqual(new Map([[200, 10_000]]));
    const experiment = await requestsByVersion();
    expect(experiment).toEqual({ v1: grey.v1, v2: grey.v2 + 10_000 });
  });

  it("explains a conflict and takes the field when told to", async () => {
    const task = {
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "ranking", namespace: "search" },
    };
    const live = await cluster.client.get(task);
    const spec = structuredClone(live.spec) as { http: { timeout: string }[] };
    for (const rule of spec.http) rule.timeout = "99s";
    await cluster.apply({ ...task, spec });
    const { code, stderr } = await modelgate("apply", "-f", EXAMPLE);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /VirtualService search\/ranking: others have set these fields: \.spec.*cluster-test.*--force-conflicts/,
    );
    expect((await modelgate("apply", "-f", EXAMPLE, "--force-conflicts")).code).toBe(0);
    const after = (await cluster.client.get(task)).spec as { http: { timeout: string }[] };
    expect(after.http[0]?.timeout).toBe("15s");
  });

  it("shows what it would change of an object that somebody else made", async () => {
    const [, spelling = ""] = (await readFile(join(EXAMPLE, "tasks.yaml"), "utf8")).split("---");
    const third = spelling.replace("name: spelling", "name: third").replace('"667"', '"668"');
    const rule = {
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: { name: "third", namespace: "search" },
    };
    await cluster.apply({ ...rule, spec: { host: "elsewhere.example" } });
    const refused = await modelgateStdin(third, "diff", "-f", "-");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(
      "DestinationRule search/third: others have set these fields: .spec.host",
    );
    const { code, stdout } = await modelgateStdin(third, "diff", "-f", "-", "--force-conflicts");
    expect(code).toBe(1);
    expect(stdout).toContain("--- DestinationRule search/third");
    expect(stdout).toContain("-  host: elsewhere.example");
    await cluster.client.delete(rule);
  });

  it("the API server refuses what the schema refuses", async () => {
    const kubernetes = {
      apiVersion: "modelgate.dev/v1alpha1",
      kind: "ModelTask",
      metadata: { name: "bad", namespace: "search" },
    };
    const spec = { taskid: "1", tenant: "search", service: { name: "s" } };
    const refused = async (change: object) => cluster.apply({ ...kubernetes, spec: { ...spec, ...change } });
    await expect(refused({ versions: [{ name: "v1", weight: 90 }] })).rejects.toThrow(
      "weights must sum to 100",
    );
    await expect(refused({ limits: {} })).rejects.toThrow("needs requestsPerSecond or perReplica");
    await expect(refused({ taskid: 1 })).rejects.toThrow("spec.taskid");
    await expect(refused({ colour: "red" })).rejects.toThrow("spec.colour");
    const signatures = [{ inputs: [{ name: "x", dtype: "DT_FLOAT" }] }];
    await expect(refused({ conversion: { signatures } })).rejects.toThrow(
      "are for protocol: tensorflowServing",
    );
    const raw = { name: "x", datatype: "FP32", shape: [-1, -1] };
    await expect(refused({ conversion: { raw } })).rejects.toThrow("may be -1 in one dimension only");
    await expect(refused({ conversion: { nonFinite: "nan" } })).rejects.toThrow("spec.conversion.nonFinite");
  });

  it("serves by the Gateway API", async () => {
    const files = await Promise.all(
      ["tenant.yaml", "tasks.yaml"].map((name) => readFile(join(EXAMPLE, name), "utf8")),
    );
    const [ranking = ""] = (files[1] as string).split("---");
    const ads = `${files[0]}---\n${ranking}`
      .replaceAll("search-gateway", "ads-gateway")
      .replace("name: search\n", "name: ads\n")
      .replace("tenant: search", "tenant: ads")
      .replace("name: ranking", "name: bidding")
      .replace('"666"', '"ads-1"')
      .replace("*search.models.example", "ads.models.example")
      .replace("    hosts:", "    port: 8867\n    hosts:")
      .replace("d2fa5c9c", "d2fa5c9d");
    const args = ["apply", "-f", "-", "--image", image, "--target", "gateway-api", "--wait"];
    const { code, stderr, stdout } = await modelgateStdin(ads, ...args);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("HTTPRoute search/bidding created");
    const to = { host: "ads.models.example", port: "8867" };
    expect(await post({ taskid: "ads-1", ...to, "x-api-key": "wrong" }, 401)).toContain("credential_unknown");
    expect((await modelgate("delete", "tenant", "ads")).code).toBe(0);
  });

  it("prunes what the files do not hold any more", async () => {
    const files = await Promise.all(
      ["tenant.yaml", "tasks.yaml"].map((name) => readFile(join(EXAMPLE, name), "utf8")),
    );
    const [ranking] = (files[1] as string).split("---");
    const one = `${files[0]}---\n${ranking}`;
    const preview = await modelgateStdin(one, "diff", "-f", "-", "--prune");
    expect(preview.code).toBe(1);
    expect(preview.stdout).toContain("--- VirtualService search/spelling");
    const { stdout, stderr } = await modelgateStdin(one, "apply", "-f", "-", "--prune");
    expect(stderr).toBe("");
    expect(stdout).toContain("VirtualService search/spelling deleted");
    expect(stdout).toContain("ModelTask search/spelling deleted");
    expect(stdout).toContain("WasmPlugin search/search-gateway-modelgate configured");
    await post({ taskid: "667" }, 404);
  });

  it("delete takes all of a tenant away", async () => {
    const { code, stdout } = await modelgate("delete", "tenant", "search");
    expect(code).toBe(0);
    expect(stdout).toContain("Deployment search/search-gateway deleted");
    expect((await modelgate("get", "tenants")).stdout.trim().split("\n")).toHaveLength(1);
    expect((await modelgate("delete", "tenant", "search")).stderr).toContain(
      'there is no "search" among the tenants',
    );
  });

  /** How many requests the gateway's pods have sent to each version. */
  async function requestsByVersion(): Promise<{ v1: number; v2: number }> {
    const pods = await cluster.client.list("v1", "Pod", {
      namespace: "search",
      labelSelector: "istio=search-gateway",
    });
    const counts = await Promise.all(pods.map(({ metadata: { name } }) => requestsOfPod(name)));
    return { v1: sum(counts.map(({ v1 }) => v1)), v2: sum(counts.map(({ v2 }) => v2)) };
  }

  async function requestsOfPod(name: string): Promise<{ v1: number; v2: number }> {
    const { cluster_statuses } = JSON.parse(
      await envoyAdmin(cluster.client, { namespace: "search", name }, "/clusters?format=json"),
    ) as {
      cluster_statuses: { name: string; host_statuses?: { stats: { name: string; value?: string }[] }[] }[];
    };
    const requests = (version: string) => {
      const found = cluster_statuses.find(
        (each) => each.name === `outbound|8866|${version}|service-667.search.svc.cluster.local`,
      );
      return Number(found?.host_statuses?.[0]?.stats.find((stat) => stat.name === "rq_total")?.value ?? 0);
    };
    return { v1: requests("v1"), v2: requests("v2") };
  }
});

const sum = (numbers: number[]) => numbers.reduce((total, each) => total + each, 0);
