import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Program, startProgram } from "../cluster/support/process.ts";
import { until } from "../support/until.ts";
import { GUARDED_REGISTRY, REGISTRY } from "./support/addresses.ts";
import {
  apply,
  containersOf,
  endpointsOf,
  type GatewayPod,
  gatewayPods,
  rolledOut,
} from "./support/cluster.ts";
import { guardedRegistryConfiguration } from "./support/configurations.ts";
import { control, nodeFolder } from "./support/control.ts";
import { kubectl } from "./support/istio.ts";
import { envoyOf } from "./support/pod-processes.ts";
import { ask, infer, untilServed, whileAsked } from "./support/requests.ts";
import { edit, type SearchTenant, searchTenant } from "./support/search.ts";

const SLOW = { withinMs: 90_000, everyMs: 200 };
const USER = { name: "puller", password: "pull-password" };
/** Of `USER`, by bcrypt. */
const HTPASSWD = `${USER.name}:$2b$05$YKPrTvFffpiosOlXaUliz.USLDlKpQVHSNNfWlFTeY7BrqlNMwUNu\n`;
const GATEWAY = "search-gateway";
/** A while in which a Service would send many of them to each of its pods. */
const ENOUGH_REQUESTS = 100;
const ROWS = '{"rows": [[1, 2, 3, 4, 5, 6, 7, 8]]}';

describe("the registry", () => {
  let tenant: SearchTenant;
  let guarded: Program | undefined;
  beforeAll(async () => {
    tenant = await searchTenant();
  }, 600_000);
  afterAll(async () => {
    await edit("tenant.yaml", (document) => {
      if (document.getIn(["spec", "gateway", "filter"])) document.deleteIn(["spec", "gateway", "filter"]);
    });
    await edit("tasks.yaml", (document) => {
      if (document.getIn(["spec", "conversion"])) document.deleteIn(["spec", "conversion"]);
    });
    await tenant.tutorial.run(`modelgate apply -f my-tenant --image ${tenant.filter} --wait`);
    await rolledOut("search", "deployment/search-gateway");
    await guarded?.stop();
  });

  const servedBy = async (addresses: string[]) => {
    const wanted = addresses.toSorted().join();
    const found = async () => (await endpointsOf("search", GATEWAY)).toSorted().join() === wanted;
    await until(found, { ...SLOW, message: `the Service has other pods than ${wanted}` });
  };
  const losesNothing = async (when: string) => {
    const counts = await whileAsked(tenant.key, (served) =>
      until(() => served() > ENOUGH_REQUESTS, { ...SLOW, message: "the gateway does not serve" }),
    );
    console.log(`${when}, the registry is down: ${JSON.stringify(counts)}`);
    expect(counts).toEqual({ 200: expect.any(Number) });
  };

  describe("is down", () => {
    beforeAll(() => control("stop-registry"));
    afterAll(() => control("start-registry"));

    it("while a container starts again: the Service leaves it out, and the other pods serve", async () => {
      const [{ name, uid, ip }, other] = (await gatewayPods()) as [GatewayPod, GatewayPod];
      process.kill(envoyOf(uid).id, "SIGKILL");
      const again = async () => {
        const found = (await containersOf("search")).find(({ pod }) => pod === name);
        return (found?.restartCount ?? 0) > 0 && (await infer(tenant.key, "666", ip)).status > 0;
      };
      await until(again, { ...SLOW, message: `${name} does not answer` });
      // The agent knows its modules by memory, and asks for them again.
      expect((await infer(tenant.key, "666", ip)).status).toBe(403);
      await servedBy([other.ip]);
      await losesNothing(`a container of ${name} has started again`);
    });

    it("while a pod starts: its image is there, and without the filter it is not ready", async () => {
      const [one, other] = (await gatewayPods()) as [GatewayPod, GatewayPod];
      const serves = (await endpointsOf("search", GATEWAY))[0] as string;
      // The one that has no filter goes, and comes again without one.
      const gone = serves === one.ip ? other : one;
      await kubectl("-n", "search", "delete", "pod", gone.name, "--wait=false");
      const fresh = async () =>
        (await gatewayPods()).find(({ name, ip }) => ip !== "" && ![one.name, other.name].includes(name));
      const pod = await until(fresh, { ...SLOW, message: "no new pod" });
      const answer = async () => (await infer(tenant.key, "666", pod.ip)).status;
      await until(async () => (await answer()) > 0, { ...SLOW, message: `${pod.name} does not answer` });
      console.log(`a pod that can't pull its filter answers ${await answer()}`);
      expect(await answer()).toBe(403);
      expect((await infer("wrong", "666", pod.ip)).status).toBe(403);
      await losesNothing(`${pod.name} has started`);
      await servedBy([serves]);
      console.log(await kubectl("-n", "search", "get", "pods", "-o", "wide"));
    });
  });

  it("is back: every pod serves, by itself", async () => {
    const back = Date.now();
    const pods = await gatewayPods();
    for (const { name, ip } of pods) {
      const serves = async () => (await infer(tenant.key, "666", ip)).status === 200;
      await until(serves, { ...SLOW, withinMs: 150_000, message: `${name} does not serve` });
    }
    await servedBy(pods.map(({ ip }) => ip));
    console.log(`every pod serves ${((Date.now() - back) / 1000).toFixed(1)} s after the registry is back`);
  });

  it("asks for a password: the tenant's Secret opens it for the filter and for converters", async () => {
    const folder = nodeFolder();
    const converter = await pushConverter(tenant);
    await writeFile(join(folder, "htpasswd"), HTPASSWD);
    guarded = await startProgram({
      ...{ name: "docker-registry-guarded", folder, command: "docker-registry" },
      args: ["serve", guardedRegistryConfiguration(folder, join(folder, "htpasswd"))],
      ready: async () => (await fetch(`http://${GUARDED_REGISTRY}/v2/`)).status === 401,
    });
    const auth = Buffer.from(`${USER.name}:${USER.password}`).toString("base64");
    await apply({
      apiVersion: "v1",
      kind: "Secret",
      type: "kubernetes.io/dockerconfigjson",
      metadata: { name: "registry", namespace: "search" },
      stringData: { ".dockerconfigjson": JSON.stringify({ auths: { [GUARDED_REGISTRY]: { auth } } }) },
    });
    await edit("tenant.yaml", (document) => {
      const image = tenant.filter.replace(REGISTRY, GUARDED_REGISTRY);
      document.setIn(["spec", "gateway", "filter"], { image, pullSecret: "registry" });
    });
    await edit("tasks.yaml", (document) => {
      if (document.getIn(["spec", "taskid"]) === "667")
        document.setIn(["spec", "conversion"], { converter: converter.replace(REGISTRY, GUARDED_REGISTRY) });
    });
    const applied = await tenant.tutorial.run("modelgate apply -f my-tenant --wait");
    expect(applied.code, applied.stdout + applied.stderr).toBe(0);
    await rolledOut("search", "deployment/search-gateway");
    await untilServed(tenant.key);
    const converted = async () => {
      const { status, body } = await ask(tenant.key, "667", "/", ROWS);
      return status === 200 && body;
    };
    const body = await until(converted, { ...SLOW, message: "the converter does not serve" });
    expect(JSON.parse(body).best).toHaveLength(1);
  }, 400_000);
});

/** A converter as `modelgate new` makes it. @returns its reference by digest */
async function pushConverter({ tutorial }: SearchTenant): Promise<string> {
  await mkdir(join(nodeFolder(), "story", "converters"), { recursive: true });
  let printed = "";
  for (const command of [
    "modelgate new converter best-class --dir converters/best-class",
    "modelgate build --converter converters/best-class",
    "modelgate push --converter converters/best-class oci://registry.example/converters/best-class:1",
  ]) {
    const { code, stdout, stderr } = await tutorial.run(command);
    if (code !== 0) throw new Error(`${command}: ${stderr}`);
    printed = stdout.trim();
  }
  return printed;
}
