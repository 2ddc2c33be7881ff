import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { WasmPlugin } from "../../tools/cluster/deploy/wasm-plugins.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { packImage } from "../../tools/lib/oci/image.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { pushImage } from "../../tools/lib/oci/registry.ts";
import { compileModule } from "../../tools/lib/wasm/compile.ts";
import { readModule } from "../../tools/lib/wasm/read.ts";
import { pace, quiet } from "../support/pace.ts";
import { until } from "../support/until.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { runModelgate } from "./support/modelgate.ts";
import { REGISTRY } from "./support/registry.ts";
import { post, Traffic } from "./support/requests.ts";
import { modelServer } from "./support/workloads.ts";

const EXAMPLE = fileURLToPath(new URL("manifests/examples/new-tenant", PROJECT_ROOT));
const MODELGATE = fileURLToPath(new URL("tools/cli/modelgate.ts", PROJECT_ROOT));
const WITHIN = { timeout: 20_000, interval: 200 };
const PODS = 10;
const CANARY = { gateway: "--gateway=search-gateway", steps: "--steps=10,50,100", interval: "--interval=3" };

describe("rollout", () => {
  let cluster: Cluster;
  let first: string;
  let controller: ChildProcess | undefined;
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
    // All the while a controller reconciles the same resources.
    const flags = ["controller", "--kubeconfig", cluster.kubeconfig, "--authenticate", "none"];
    const addresses = ["--listen", "127.0.0.1:18401", "--admin", "127.0.0.1:18402"];
    controller = spawn(
      process.execPath,
      [MODELGATE, ...flags, ...addresses, "--lease-namespace", "search", "--image", first],
      { stdio: ["ignore", "ignore", "ignore"] },
    );
  });
  afterAll(async () => {
    if (controller && controller.exitCode === null) {
      controller.kill("SIGTERM");
      await once(controller, "exit");
    }
    await cluster?.stop();
  });

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

  const rollout = (command: string, ...args: string[]) =>
    modelgate("rollout", command, CANARY.gateway, ...args);
  const start = (image: string, args: string[], stop?: AbortSignal | string, signal?: NodeJS.Signals) =>
    runModelgate(
      cluster.kubeconfig,
      ["rollout", "start", "--image", image, CANARY.gateway, ...args],
      "",
      stop,
      signal,
    );
  /** Waits for what `rollout status` prints. */
  const untilSaid = async (text: string) => {
    let last = "";
    const isSaid = async () => {
      last = (await rollout("status")).stdout;
      return last.includes(text);
    };
    await until(isSaid, { everyMs: 500, message: () => `never ${text}: ${last}` });
  };

  it("takes a filter that traps on one request in a hundred back by itself", async () => {
    const bad = await push("bad", await compiled("flaky"));
    const traffic = new Traffic(400, { taskid: "666" });
    const started = await start(bad, [CANARY.steps, CANARY.interval]);
    console.log(started.stdout, started.stderr);
    await pace(15_000);
    const { sent, failed, again, outcomes } = await traffic.stop();
    console.log(
      `bad filter: ${failed} of ${sent} requests failed, ${((failed / sent) * 100).toFixed(3)} %: ${JSON.stringify(outcomes)}, ${again} sent anew`,
    );
    expect(started.code).toBe(1);
    expect(started.stdout).toMatch(/rolled back: every pod runs .*/);
    expect(started.stdout).toContain("the filter trapped");
    expect((failed + again) / sent).toBeLessThan(0.005);
    expect((await modelgate("status")).code).toBe(0);
    expect((await rollout("history")).stdout).toContain("rolledBack");
  });

  it("brings a good one to every pod, killed and resumed on the way, and takes it back when asked to", async () => {
    const good = await push("good", await variant("good"));
    const traffic = new Traffic(300, { taskid: "666" });
    const killed = new AbortController();
    const started = start(good, [CANARY.steps, CANARY.interval], killed.signal);
    await untilSaid("running: step 2 of 3");
    killed.abort();
    await started;
    expect((await rollout("status")).stdout).toMatch(/^running/);
    await untilSaid("nobody runs it");
    const refused = await start(good, []);
    expect(refused.stderr).toMatch(/is running \(nobody runs it: resume it\) .*: resume or undo it first/);
    const resumed = await rollout("resume");
    console.log(resumed.stdout, resumed.stderr);
    const { sent, failed, outcomes } = await traffic.stop();
    console.log(`good filter: ${failed} of ${sent} requests failed: ${JSON.stringify(outcomes)}`);
    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toContain(`done: every pod runs ${good}`);
    expect(failed).toBe(0);
    expect((await modelgate("status", "-o", "wide")).stdout).toContain(good.split("@")[1] ?? "");
    expect((await rollout("resume")).stderr).toContain("no rollout is under way");

    const undone = await rollout("undo");
    expect(undone.stdout).toContain(`rolled back: every pod runs ${first}`);
    expect((await rollout("undo")).stderr).toContain("the last rollout was rolled back already");
    const history = (await rollout("history")).stdout;
    expect(history.match(/rolledBack|done/g)?.slice(0, 3)).toEqual(["rolledBack", "done", "rolledBack"]);
  });

  it("another process pauses it, resumes it, and takes it back; a second start is refused", async () => {
    const other = await push("paused", await variant("paused"));
    const traffic = new Traffic(100, { taskid: "666" });
    const started = start(other, ["--steps=10,100", "--interval=60"]);
    await untilSaid("running: step 1 of 2");
    const second = await start(other, ["--steps=100"]);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(
      /a rollout of oci:.* is running \(step 1 of 2: 10 %\): wait for it, or pause or undo it/,
    );
    expect((await rollout("pause")).stdout).toContain("asked the rollout to pause");
    const paused = await started;
    expect(paused.stdout).toContain("paused: asked to");
    expect(paused.code).toBe(0);
    expect((await rollout("status")).stdout).toMatch(/^paused: asked to/);
    expect((await rollout("pause")).stderr).toContain("the rollout is paused already");
    const wide = await modelgate("status", "-o", "wide", "--pull");
    expect(wide.stdout).toContain(other.split("@")[1] ?? "");
    expect(wide.code, wide.stdout).toBe(0);

    // A change of the resources reaches the canaries of a rollout that nobody runs.
    const limited = {
      apiVersion: "modelgate.dev/v1alpha1",
      kind: "ModelTask",
      metadata: { name: "ranking", namespace: "search" },
    };
    await cluster.client.mergePatch(limited, { spec: { limits: { requestsPerSecond: 99_999 } } });
    await vi.waitFor(async () => {
      const plugins = await cluster.client.list("extensions.istio.io/v1alpha1", "WasmPlugin");
      expect(plugins.map((each) => JSON.stringify(each.spec).includes("99999"))).toEqual([true, true]);
      expect(plugins.map((each) => (each as WasmPlugin).spec.url).sort()).toEqual([first, other].sort());
    }, WITHIN);

    const resumed = rollout("resume");
    await untilSaid("running: step 1 of 2");
    expect((await rollout("resume")).stderr).toContain("another process takes it on");
    expect((await rollout("undo")).stdout).toContain("asked the rollout to go back");
    const back = await resumed;
    expect(back.stdout).toContain(`rolled back: every pod runs ${first}`);
    expect(back.code).toBe(1);
    const { failed, outcomes } = await traffic.stop();
    expect(failed, JSON.stringify(outcomes)).toBe(0);
    expect((await modelgate("status")).code).toBe(0);
  });

  it("two that start at the same time: one is refused", async () => {
    const images = [await push("one", await variant("one")), await push("two", await variant("two"))];
    const args = ["--steps=10,100", "--interval=60"];
    const stop = new AbortController();
    const both = Promise.all(images.map((image) => start(image, args, stop.signal, "SIGINT")));
    await untilSaid("running: step 1 of 2");
    await quiet(5000);
    stop.abort();
    const codes = (await both).map(({ code }) => code).sort((a, b) => a - b);
    expect(codes).toEqual([1, 130]);
    expect((await rollout("status")).stdout).toMatch(/^paused: interrupted/);
    expect((await rollout("undo")).stdout).toContain(`rolled back: every pod runs ${first}`);
  });

  it("Ctrl-C leaves it to be resumed, on the way there and on the way back", async () => {
    const image = await push("interrupted", await variant("interrupted"));
    const traffic = new Traffic(100, { taskid: "666" });
    const interrupted = await start(image, ["--steps=50,100"], "pods try the new filter", "SIGINT");
    expect(interrupted.code).toBe(130);
    expect(interrupted.stdout).toContain(
      "interrupted: pods stay as they are; modelgate rollout resume goes on, modelgate rollout undo goes back",
    );
    expect((await rollout("status")).stdout).toMatch(/^paused: interrupted/);

    const undo = ["rollout", "undo", CANARY.gateway];
    const undone = await runModelgate(cluster.kubeconfig, undo, "", "rolling back: asked to", "SIGINT");
    expect(undone.code, undone.stdout).toBe(130);
    expect((await rollout("status")).stdout).toMatch(/^rollingBack/);
    const resumed = await rollout("resume");
    expect(resumed.stdout).toContain(`rolled back: every pod runs ${first}`);
    const { failed, outcomes } = await traffic.stop();
    expect(failed, JSON.stringify(outcomes)).toBe(0);
  });

  it("refuses before step one what Envoy can't run or nobody signed", async () => {
    const image = await push("empty", Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    expect((await start(image, [])).stderr).toContain("it exports no proxy_abi_version_0_2_1");
    const other = await push("other", await variant("other"));
    const keys = join(cluster.folder, "cosign");
    await modelgate("sign", "--generate-key", keys);
    const checked = () =>
      start(other, ["--key", `${keys}.pub`, "--steps=100", "--interval=1", "--min-requests=0"]);
    expect((await checked()).stderr).toContain("is not signed");
    expect((await modelgate("sign", other, "--key", `${keys}.key`)).code).toBe(0);
    expect((await modelgate("verify", other, "--key", `${keys}.pub`)).code).toBe(0);
    const signed = await checked();
    expect(signed.stdout).toContain("signature: good");
    expect(signed.code, signed.stderr).toBe(0);
  });

  it("pauses while the registry is down, and asks no pod to pull", async () => {
    const image = await push("unreachable", await variant("unreachable"));
    const traffic = new Traffic(100, { taskid: "666" });
    const started = start(image, ["--steps=10,50,100", "--interval=8", "--min-requests=0"]);
    await untilSaid("running: step 1 of 3");
    const { stdout, stderr, code } = await cluster.withoutRegistry(() => started);
    expect(code, stdout).toBe(1);
    expect(stderr).toContain("the registry does not serve the new filter");
    expect((await rollout("status")).stdout).toMatch(/^paused: the registry does not serve the new filter/);
    const resumed = await rollout("resume");
    expect(resumed.stdout, resumed.stderr).toContain(`done: every pod runs ${image}`);
    const { sent, failed, outcomes } = await traffic.stop();
    console.log(`registry down: ${failed} of ${sent} requests failed: ${JSON.stringify(outcomes)}`);
    expect(failed).toBe(0);
    expect((await rollout("undo")).stdout).toContain(`rolled back: every pod runs ${first}`);
  });

  it("takes a slow filter back", async () => {
    const slow = await push("slow", await compiled("slow"));
    const traffic = new Traffic(250, { taskid: "666" });
    const started = await start(slow, ["--steps=30,100", "--interval=5"]);
    const { failed } = await traffic.stop();
    console.log(started.stdout, started.stderr);
    expect(started.code).toBe(1);
    expect(started.stdout).toMatch(
      /rolling back: .* % of requests take longer than \d+ ms, .* % in the rest of the fleet/,
    );
    expect(failed).toBe(0);
  });
});
