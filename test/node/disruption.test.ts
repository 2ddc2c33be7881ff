import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { until } from "../support/until.ts";
import { NODE_NAME, SECOND_NODE } from "./support/addresses.ts";
import { apply, client, containersOf, type GatewayPod, gatewayPods, rolledOut } from "./support/cluster.ts";
import { control } from "./support/control.ts";
import { kubectl } from "./support/istio.ts";
import { envoyOf } from "./support/pod-processes.ts";
import { infer, whileAsked } from "./support/requests.ts";
import { searchTenant } from "./support/search.ts";

const SLOW = { withinMs: 60_000, everyMs: 200 };
/** Fills its memory until it is killed. */
const HOG = "const all = []; setInterval(() => all.push(Buffer.alloc(8 << 20, 1)), 5);";

describe("a node that has trouble", () => {
  let key = "";
  beforeAll(async () => {
    ({ key } = await searchTenant());
  }, 600_000);

  it("a gateway pod that runs out of memory comes back, while the others serve", async () => {
    const { name, uid } = (await gatewayPods())[0] as GatewayPod;
    const restarts = async () => (await containersOf("search")).find((each) => each.pod === name);
    const before = (await restarts())?.restartCount ?? 0;
    const counts = await whileAsked(key, async () => {
      await runOutOfMemory(uid);
      await until(async () => ((await restarts())?.restartCount ?? 0) > before, {
        ...SLOW,
        message: "the container was not started again",
      });
      await kubectl("-n", "search", "wait", "--for=condition=Ready", `pod/${name}`, "--timeout=120s");
    });
    console.log(`out of memory in one gateway pod of two: ${JSON.stringify(counts)}`);
    expect((await restarts())?.lastState.terminated?.reason).toBe("OOMKilled");
    // Those that were in it, and those that came before the Service knew.
    const { 200: served = 0, ...lost } = counts;
    const sum = Object.values(lost).reduce((a, b) => a + b, 0);
    expect(served).toBeGreaterThan(100);
    expect(sum / (served + sum)).toBeLessThan(0.2);
    expect((await whileAsked(key, async () => void (await infer(key))))["200"]).toBeGreaterThan(0);
  });

  it("a kubelet that is started again under load loses nothing and restarts no container", async () => {
    const before = await containersOf();
    const counts = await whileAsked(key, async (served) => {
      await control("stop-kubelet");
      const stopped = Date.now();
      const more = () => served() > 100;
      await until(more, { ...SLOW, message: "the gateway does not serve without kubelet" });
      await control("start-kubelet");
      const renewed = async () => {
        const lease = await client.get({
          apiVersion: "coordination.k8s.io/v1",
          kind: "Lease",
          metadata: { name: NODE_NAME, namespace: "kube-node-lease" },
        });
        return Date.parse((lease.spec as { renewTime: string }).renewTime) > stopped;
      };
      await until(renewed, { ...SLOW, message: "the kubelet did not renew its lease" });
      await kubectl("wait", "--for=condition=Ready", `node/${NODE_NAME}`, "--timeout=60s");
      await rolledOut("search", "deployment/search-gateway");
    });
    console.log(`kubelet started again under load: ${JSON.stringify(counts)}`);
    expect(counts).toEqual({ 200: expect.any(Number) });
    expect(counts["200"]).toBeGreaterThan(100);
    const restarts = (all: typeof before) =>
      all.map(({ pod, name, restartCount }) => `${pod} ${name} ${restartCount}`).sort();
    expect(restarts(await containersOf())).toEqual(restarts(before));
  });

  it("kubectl drain moves gateway and models to another node under load, and loses nothing", async () => {
    await control("add-node");
    await kubectl("-n", "search", "scale", "deployment/service-666-v1", "--replicas=2");
    await apply({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "service-666", namespace: "search" },
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: "service-666" } } },
    });
    // Istio lets nobody evict its only istiod.
    await kubectl("-n", "istio-system", "scale", "deployment/istiod", "--replicas=2");
    await rolledOut("istio-system", "deployment/istiod");
    await rolledOut("search", "deployment/service-666-v1");
    const counts = await whileAsked(key, async () => {
      const options = ["--ignore-daemonsets", "--delete-emptydir-data", "--timeout=170s"];
      console.log(await kubectl("drain", NODE_NAME, ...options));
      for (const name of ["search-gateway", "service-666-v1"])
        await rolledOut("search", `deployment/${name}`);
    });
    console.log(`drained under load: ${JSON.stringify(counts)}`);
    const pods = await client.list("v1", "Pod");
    const places = new Set(pods.map(({ spec }) => (spec as { nodeName: string }).nodeName));
    expect([...places]).toEqual([SECOND_NODE.name]);
    expect(await gatewayPods()).toHaveLength(2);
    expect(counts).toEqual({ 200: expect.any(Number) });
    expect(counts["200"]).toBeGreaterThan(100);
    await kubectl("uncordon", NODE_NAME);
  }, 400_000);
});

/** Has the kernel kill the Envoy of a pod for the memory that its container lacks. @param uid of the pod */
async function runOutOfMemory(uid: string): Promise<void> {
  const { id, cgroup } = envoyOf(uid);
  // Whom the kernel takes first; the kubelet gives all processes of a container the same.
  writeFileSync(`/proc/${id}/oom_score_adj`, "1000");
  const join = `echo $$ > /sys/fs/cgroup/memory${cgroup}/cgroup.procs`;
  const hog = spawn("sh", ["-c", `${join} && exec "${process.execPath}" -e "${HOG}"`], { stdio: "inherit" });
  try {
    await until(() => !existsSync(`/proc/${id}`), { ...SLOW, message: "the kernel killed no Envoy" });
  } finally {
    hog.kill("SIGKILL");
  }
}
