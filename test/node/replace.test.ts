import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apply, client, podsOf, rolledOut } from "./support/cluster.ts";
import { MODELGATE_IMAGE } from "./support/images.ts";
import { kubectl } from "./support/istio.ts";
import { whileAsked } from "./support/requests.ts";
import { type SearchTenant, SYSTEM, searchTenant } from "./support/search.ts";
import { modelServer } from "./support/workloads.ts";

const GATEWAY = {
  ...{ apiVersion: "apps/v1", kind: "Deployment" },
  metadata: { name: "search-gateway", namespace: "search" },
};
const PROXY_CONFIG = "proxy.istio.io/config";
/** Istio's agent ends Envoy 5 s after SIGTERM (terminationDrainDuration). */
const SLOW_REQUEST_MS = 8000;
const SLOW_CALLERS = 24;
/** What the patch of its Deployment is made from. */
const PATCHED_TASK = {
  apiVersion: "modelgate.dev/v1alpha1",
  kind: "ModelTask",
  metadata: { name: "ranking", namespace: "search" },
  spec: {
    ...{ taskid: "666", tenant: "search", service: { name: "service-666" } },
    workload: { deployment: "service-666-v1", container: "model" },
    warmUp: { requests: 20, request: { model: "linear" } },
    drain: { endpointTimeout: "5s" },
  },
};

describe("pods that are replaced", () => {
  let tenant: SearchTenant;
  beforeAll(async () => {
    tenant = await searchTenant();
  }, 600_000);

  it.each(["deployment/search-gateway", "deployment/service-666-v1"])(
    "a rolling update of %s under load loses nothing",
    async (workload) => {
      const counts = await whileAsked(tenant.key, () => replace(workload));
      console.log(`${workload} replaced under load: ${JSON.stringify(counts)}`);
      expect(counts).toEqual({ 200: expect.any(Number) });
      expect(counts["200"]).toBeGreaterThan(100);
    },
  );

  describe("a gateway whose requests take longer than Istio's agent drains by itself", () => {
    const load = { callers: SLOW_CALLERS, pauseMs: SLOW_REQUEST_MS };
    const restart = () => replace("deployment/search-gateway");

    it("loses none when it is replaced", async () => {
      const counts = await whileAsked(tenant.key, restart, load);
      console.log(`gateway replaced under requests of ${SLOW_REQUEST_MS} ms: ${JSON.stringify(counts)}`);
      expect(counts).toEqual({ 200: expect.any(Number) });
    });

    it("loses some without our drain: no preStop, and Istio's defaults", async () => {
      const { template } = (await client.get(GATEWAY)).spec as { template: PodTemplate };
      await replaceTemplate(withoutDrain(template));
      const counts = await whileAsked(tenant.key, restart, load).finally(() => replaceTemplate(template));
      console.log(`the same without our drain: ${JSON.stringify(counts)}`);
      expect(Object.keys(counts).filter((status) => status !== "200")).not.toEqual([]);
    }, 400_000);
  });

  describe("a model server without probes and hooks", () => {
    const WORKLOAD = "deployment/service-666-v1";
    beforeAll(async () => {
      await apply(...modelServer("search", "service-666", { care: false }));
      await rolledOut("search", WORKLOAD);
    });
    afterAll(async () => {
      // The sidecar is not among the fields that `apply` owns.
      await kubectl("-n", "search", "delete", WORKLOAD);
      await apply(...modelServer("search", "service-666"));
      await rolledOut("search", WORKLOAD);
    });

    it("loses requests when it is replaced under load", async () => {
      const counts = await whileAsked(tenant.key, () => replace(WORKLOAD));
      console.log(`model replaced without our patch: ${JSON.stringify(counts)}`);
      expect(Object.keys(counts).filter((status) => status !== "200")).not.toEqual([]);
    });

    it("loses none with the patch that modelgate renders: warm-up, probes, drain", async () => {
      const patch = await tenant.tutorial.run(
        `modelgate render -f - --target deployment-patch --command-image ${MODELGATE_IMAGE} <<EOF > patch.yaml
${JSON.stringify(PATCHED_TASK)}
EOF
kubectl -n search patch ${WORKLOAD} --patch-file patch.yaml`,
      );
      expect(patch.code, patch.stdout + patch.stderr).toBe(0);
      await rolledOut("search", WORKLOAD);
      const counts = await whileAsked(tenant.key, () => replace(WORKLOAD));
      console.log(`model replaced with our patch: ${JSON.stringify(counts)}`);
      expect(counts).toEqual({ 200: expect.any(Number) });
    }, 400_000);
  });

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

interface PodTemplate {
  metadata: { annotations: Record<string, string> };
  spec: { containers: { lifecycle?: object }[]; terminationGracePeriodSeconds?: number };
}

/** The gateway's pods as Istio's own chart has them, as far as their end goes. */
function withoutDrain({ metadata, spec }: PodTemplate): PodTemplate {
  const { terminationGracePeriodSeconds: _, containers, ...rest } = spec;
  const { proxyMetadata: __, ...config } = JSON.parse(metadata.annotations[PROXY_CONFIG] ?? "");
  const annotations = { ...metadata.annotations, [PROXY_CONFIG]: JSON.stringify(config) };
  return {
    metadata: { ...metadata, annotations },
    spec: { ...rest, containers: containers.map(({ lifecycle: ___, ...container }) => container) },
  };
}

async function replaceTemplate(value: PodTemplate): Promise<void> {
  const patch = JSON.stringify([{ op: "replace", path: "/spec/template", value }]);
  await kubectl("-n", "search", "patch", "deployment/search-gateway", "--type=json", "-p", patch);
  await rolledOut("search", "deployment/search-gateway");
}

/** Gives a Deployment of the tenant new pods, and waits until the old ones have ended. */
async function replace(workload: string): Promise<void> {
  const before = await podsOf("search");
  await kubectl("-n", "search", "rollout", "restart", workload);
  await rolledOut("search", workload);
  const [, name = ""] = workload.split("/");
  const replaced = before.filter((each) => each.startsWith(`pod/${name}-`));
  expect(replaced.length).toBeGreaterThan(0);
  await kubectl("-n", "search", "wait", "--for=delete", "--timeout=120s", ...replaced);
}
