import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packImage } from "../../tools/oci/image.ts";
import { parseReference } from "../../tools/oci/reference.ts";
import { pushImage } from "../../tools/oci/registry.ts";
import { compileModule } from "../../tools/wasm/compile.ts";
import { PROJECT_ROOT } from "../../tools/wasm/modules.ts";
import { readModule } from "../../tools/wasm/read.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { runModelgate } from "./support/modelgate.ts";
import { REGISTRY } from "./support/registry.ts";
import { post, Traffic } from "./support/requests.ts";
import { modelServer } from "./support/workloads.ts";

const EXAMPLE = fileURLToPath(new URL("manifests/examples/new-tenant", PROJECT_ROOT));
const PODS = 10;
const CANARY = { gateway: "--gateway=search-gateway", steps: "--steps=10,50,100", interval: "--interval=3" };

describe("rollout", () => {
  let cluster: Cluster;
  let first: string;
  beforeAll(async () => {
    cluster = await startCluster();
    first = await push("v1", await readModule("gateway"));
    await cluster.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "search" } },
      ...modelServer("search", "service-666", [{ version: "v1", port: 9000 }]),
    );
    const tenant = (await readFile(join(EXAMPLE, "tenant.yaml"), "utf8")).replace("1000", "1000000");
    const [ranking = ""] = (await readFile(join(EXAMPLE, "tasks.yaml"), "utf8")).split("---");
    const files = `${tenant}---\n${ranking.replace("500", "100000")}`;
    const args = ["apply", "-f", "-", "--image", first];
    const applied = await runModelgate(cluster.kubeconfig, args, files);
    expect(applied.stderr).toBe("");
    const deployment = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "search-gateway", namespace: "search" },
    };
    // What the HorizontalPodAutoscaler would do.
    await cluster.client.mergePatch(deployment, { spec: { replicas: PODS } });
    await runModelgate(cluster.kubeconfig, ["apply", "-f", "-", "--wait"], files);
    await post({ taskid: "666" }, 200);
  });
  afterAll(() => cluster?.stop());

  const push = async (tag: string, module: Uint8Array) =>
    pushImage(
      await packImage(module, "compat"),
      parseReference(`oci://${REGISTRY}/modelgate/gateway:${tag}`),
    );
  const modelgate = (...args: string[]) => runModelgate(cluster.kubeconfig, args);
  const compiled = async (name: string) => {
    const out = fileURLToPath(new URL(`build/test/${name}.wasm`, PROJECT_ROOT));
    await compileModule(fileURLToPath(new URL(`test/wasm/${name}.ts`, PROJECT_ROOT)), out);
    return readFile(out);
  };
  /** The same filter with another digest. */
  const variant = async (text: string) => {
    const name = new TextEncoder().encode(text);
    const section = Uint8Array.of(0, name.length + 1, name.length, ...name);
    return Buffer.concat([await readModule("gateway"), section]);
  };

  it("takes a filter that traps on one request in a hundred back by itself", async () => {
    const bad = await push("bad", await compiled("flaky"));
    const traffic = new Traffic(400, { taskid: "666" });
    const started = await modelgate(
      "rollout",
      "start",
      "--image",
      bad,
      CANARY.gateway,
      CANARY.steps,
      CANARY.interval,
    );
    console.log(started.stdout, started.stderr);
    await sleep(15_000);
    const { sent, failed, again, outcomes } = await traffic.stop();
    console.log(
      `bad filter: ${failed} of ${sent} requests failed, ${((failed / sent) * 100).toFixed(3)} %: ${JSON.stringify(outcomes)}, ${again} sent anew`,
    );
    expect(started.code).toBe(1);
    expect(started.stdout).toMatch(/rolled back: every pod runs .*/);
    expect(started.stdout).toContain("the filter trapped");
    expect((failed + again) / sent).toBeLessThan(0.005);
    expect((await modelgate("status")).code).toBe(0);
    expect((await modelgate("rollout", "history", CANARY.gateway)).stdout).toContain("rolledBack");
  });

  it("brings a good one to every pod, killed and resumed on the way", async () => {
    const good = await push("good", await variant("good"));
    const traffic = new Traffic(300, { taskid: "666" });
    const killed = new AbortController();
    const start = runModelgate(
      cluster.kubeconfig,
      ["rollout", "start", "--image", good, ...Object.values(CANARY)],
      "",
      killed.signal,
    );
    await sleep(9000);
    killed.abort();
    await start;
    const status = await modelgate("rollout", "status", CANARY.gateway);
    expect(status.stdout).toMatch(/^running/);
    await sleep(15_500);
    expect((await modelgate("rollout", "status", CANARY.gateway)).stdout).toContain("nobody runs it");
    const resumed = await modelgate("rollout", "resume", CANARY.gateway);
    console.log(resumed.stdout, resumed.stderr);
    const { sent, failed, outcomes } = await traffic.stop();
    console.log(`good filter: ${failed} of ${sent} requests failed: ${JSON.stringify(outcomes)}`);
    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toContain(`done: every pod runs ${good}`);
    expect(failed).toBe(0);
    expect((await modelgate("status", "-o", "wide")).stdout).toContain(good.split("@")[1] ?? "");

    const undone = await modelgate("rollout", "undo", CANARY.gateway);
    expect(undone.stdout).toContain(`rolled back: every pod runs ${first}`);
  });

  it("another process pauses it, resumes it, and takes it back", async () => {
    const other = await push("paused", await variant("paused"));
    const traffic = new Traffic(100, { taskid: "666" });
    const slowly = ["--steps=10,100", "--interval=60"];
    const until = async (text: string) => {
      for (let i = 0; i < 60; i++, await sleep(500))
        if ((await modelgate("rollout", "status", CANARY.gateway)).stdout.includes(text)) return;
      throw new Error(`never ${text}`);
    };
    const started = modelgate("rollout", "start", "--image", other, CANARY.gateway, ...slowly);
    await until("running: step 1 of 2");
    expect((await modelgate("rollout", "pause", CANARY.gateway)).code).toBe(0);
    const paused = await started;
    expect(paused.stdout).toContain("paused: asked to");
    expect(paused.code).toBe(0);
    expect((await modelgate("rollout", "status", CANARY.gateway)).stdout).toMatch(/^paused: asked to/);
    const wide = await modelgate("status", "-o", "wide");
    expect(wide.stdout).toContain(other.split("@")[1] ?? "");

    const resumed = modelgate("rollout", "resume", CANARY.gateway);
    await until("running: step 1 of 2");
    expect((await modelgate("rollout", "resume", CANARY.gateway)).stderr).toContain(
      "another process takes it on",
    );
    const undone = await modelgate("rollout", "undo", CANARY.gateway);
    expect(undone.stdout).toContain("asked the rollout to go back");
    const back = await resumed;
    expect(back.stdout).toContain(`rolled back: every pod runs ${first}`);
    expect(back.code).toBe(1);
    const { failed } = await traffic.stop();
    expect(failed).toBe(0);
    expect((await modelgate("status")).code).toBe(0);
  });

  it("refuses before step one what Envoy can't run or nobody signed", async () => {
    const image = await push("empty", Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    const empty = await modelgate("rollout", "start", "--image", image, CANARY.gateway);
    expect(empty.stderr).toContain("it exports no proxy_abi_version_0_2_1");
    const other = await push("other", await variant("other"));
    const keys = join(cluster.folder, "cosign");
    await modelgate("sign", "--generate-key", keys);
    const start = () =>
      modelgate(
        "rollout",
        "start",
        "--image",
        other,
        CANARY.gateway,
        "--key",
        `${keys}.pub`,
        "--steps",
        "100",
        "--interval",
        "1",
        "--min-requests",
        "0",
      );
    expect((await start()).stderr).toContain("is not signed");
    expect((await modelgate("sign", other, "--key", `${keys}.key`)).code).toBe(0);
    expect((await modelgate("verify", other, "--key", `${keys}.pub`)).code).toBe(0);
    const signed = await start();
    expect(signed.stdout).toContain("signature: good");
    expect(signed.code, signed.stderr).toBe(0);
  });
});
