import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { envoyAdmin } from "../../tools/lib/envoy/admin.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { pushModule } from "./support/images.ts";
import { runModelgate } from "./support/modelgate.ts";
import { listOf, TestTenant } from "./support/tenants.ts";
import { modelServer } from "./support/workloads.ts";

const NAMESPACE = "routing";
const tenant = new TestTenant("routing", NAMESPACE, 8866);
const VERSIONS = ["v1", "V.2"].map((name, index) => ({
  name,
  weight: index === 0 ? 79.5 : 20.5,
  labels: { app: "versioned", version: name.toLowerCase() },
}));
const TASKS = [
  tenant.task("plain"),
  tenant.task("versioned", {
    service: { name: "versioned", targetPort: 9000 },
    versions: VERSIONS,
    matches: [
      { header: "x-group", prefix: "b", version: "V.2" },
      { header: "x-group", exact: "a", version: "v1" },
    ],
    mirror: { version: "V.2", percent: 0.29 },
    timeout: "1m30s",
    retries: { attempts: 3, perTryTimeout: "500ms", on: ["503", "429", "unavailable"] },
    fault: {
      delay: { duration: "1.5ms", percent: 0.07 },
      abort: { status: 503, percent: 0 },
    },
  }),
  tenant.task("once", { retries: { attempts: 0 }, timeout: "250ms" }),
];

interface Route {
  match: { headers?: { name: string }[] };
  metadata?: object;
  decorator?: object;
}

interface VirtualHost {
  domains: string[];
  routes?: Route[];
  matcher?: {
    matcher_tree: {
      exact_match_map: { map: Record<string, { action: { typed_config: { routes: Route[] } } }> };
    };
  };
}

describe("routing", () => {
  let cluster: Cluster;
  let image: string;
  beforeAll(async () => {
    cluster = await startCluster();
    image = await pushModule("gateway");
    await cluster.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
      ...["plain", "once"].flatMap((name) => modelServer(NAMESPACE, name, [{ version: "v1", port: 9000 }])),
      ...modelServer(NAMESPACE, "versioned", [
        { version: "v1", port: 9000 },
        { version: "v.2", port: 9000 },
      ]),
    );
  });
  afterAll(() => cluster?.stop());

  const apply = async (routing: string, target: string) => {
    const resources = listOf(tenant.resource({ routing }), ...TASKS);
    const args = ["apply", "-f", "-", "--image", image, "--target", target, "--prune", "--wait"];
    const applied = await runModelgate(cluster.kubeconfig, args, resources);
    expect(applied.code, applied.stderr).toBe(0);
  };

  /** The tenant's virtual host, once Envoy has one with a matcher, or with routes. */
  const virtualHost = (field: "matcher" | "routes", task: string) =>
    vi.waitFor(
      async () => {
        const labelSelector = "istio=routing-gateway";
        const [pod] = await cluster.client.list("v1", "Pod", { namespace: NAMESPACE, labelSelector });
        const { name = "" } = pod?.metadata ?? {};
        const path = "/config_dump?resource=dynamic_route_configs";
        const { configs } = JSON.parse(
          await envoyAdmin(cluster.client, { namespace: NAMESPACE, name }, path),
        );
        const hosts: VirtualHost[] = configs.flatMap(
          (each: { route_config: { virtual_hosts?: VirtualHost[] } }) =>
            each.route_config.virtual_hosts ?? [],
        );
        const host = hosts.find(({ domains }) => domains.includes(tenant.host));
        expect(host?.[field]).toBeDefined();
        expect(JSON.stringify(host)).toContain(task);
        return host as VirtualHost;
      },
      { timeout: 30_000, interval: 300 },
    );

  it.each(["istio", "gateway-api"])(
    "the tree has what istiod makes of its own routes: %s",
    async (target) => {
      await apply("routes", target);
      await tenant.untilServed("plain");
      const name = target === "istio" ? "version-v1" : "routing.versioned.2";
      const { routes = [] } = await virtualHost("routes", name);
      await apply("tree", target);
      await tenant.untilServed("plain");
      const { matcher } = await virtualHost("matcher", name);
      const { map } = matcher?.matcher_tree.exact_match_map ?? { map: {} };
      expect(Object.keys(map).sort()).toEqual(["", "once", "plain", "versioned"]);
      for (const task of ["plain", "versioned", "once"]) {
        const own = routes.filter((route) => JSON.stringify(route.match).includes(`"exact":"${task}"`));
        const tree = map[task]?.action.typed_config.routes.filter((route) => !("direct_response" in route));
        expect(tree?.map((route) => comparable(route, target))).toEqual(
          own.map((route) => comparable(withoutTask(route), target)),
        );
      }
      const known = await tenant.call("versioned", { headers: { version: "v1" } });
      expect(known.status, known.body).toBe(200);
      if (target === "istio") {
        const { status, body } = await tenant.call("versioned", { headers: { version: "v9" } });
        expect(status, body).toBe(404);
      }
    },
  );

  it("a change of one task rewrites its own object alone", async () => {
    const changed = TASKS.map((task) =>
      task.metadata.name === "once" ? tenant.task("once", { timeout: "9s" }) : task,
    );
    const resources = listOf(tenant.resource({ routing: "tree" }), ...changed);
    const args = ["apply", "-f", "-", "--target", "gateway-api", "--prune"];
    const { stdout } = await runModelgate(cluster.kubeconfig, args, resources);
    const filters = stdout.split("\n").filter((line) => line.startsWith("EnvoyFilter"));
    expect(filters).toEqual([expect.stringContaining("routing-gateway.routing.once")]);
    await virtualHost("matcher", '"9s"');
  });

  it("Istio's routes are back when the Tenant says so", async () => {
    await apply("routes", "istio");
    const host = await virtualHost("routes", "version-v1");
    expect(host.matcher).toBeUndefined();
    await tenant.untilServed("plain");
  });
});

/**
 * Of the Gateway API, Istio calls an operation of several clusters by the VirtualService that it makes
 * itself.
 */
function comparable(route: Route, target: string): Route {
  const { decorator: _, ...rest } = route;
  return target === "istio" ? route : rest;
}

/** Less what only names the resource: in the tree a route has no metadata and needs no `taskid`. */
function withoutTask({ metadata: _, ...route }: Route): Route {
  const headers = route.match.headers?.filter(({ name }) => name !== "taskid") ?? [];
  const { headers: _headers, ...match } = route.match;
  return { ...route, match: { ...match, ...(headers.length > 0 && { headers }) } };
}
