import { beforeAll, describe, expect, it } from "vitest";
import { podsOf, rolledOut } from "./support/cluster.ts";
import { kubectl } from "./support/istio.ts";
import { whileAsked } from "./support/requests.ts";
import { type SearchTenant, SYSTEM, searchTenant } from "./support/search.ts";

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
