import type { ModelTask } from "../../tools/api/model-task.ts";
import { routeTree } from "../../tools/cluster/istio/route-tree.ts";
import { istioRoutes, patched, routedTask, routedTenant } from "../support/routing.ts";
import type { Variant } from "./variants.ts";

const TASKS = [1, 30, 64, 100, 1000, 5000];
const MANY_VERSIONS = Array.from({ length: 64 }, (_, index) => ({ name: `v${index}` }));

/**
 * A request of the task in the middle of so many, by the routes that istiod makes of VirtualServices, and by
 * the match tree. Envoy answers that one itself; the routes of the others are whole.
 */
export function routing(): Variant[] {
  const tasksOf = (count: number) => Array.from({ length: count }, (_, index) => routedTask(String(index)));
  return [
    ...TASKS.flatMap((count) =>
      bothWays(count === 1 ? "1 task" : `${count.toLocaleString("en")} tasks`, tasksOf(count), {
        taskid: String(Math.floor(count / 2)),
      }),
    ),
    ...bothWays("1 task of 64 versions", [routedTask("0", { versions: MANY_VERSIONS })], {
      taskid: "0",
      version: "v32",
    }),
  ];
}

function bothWays(name: string, tasks: ModelTask[], headers: Record<string, string>): Variant[] {
  const tenant = routedTenant();
  const plain = { name: "gateway", domains: ["*"], routes: istioRoutes(tenant, tasks, "istio") };
  const tree = patched(plain, routeTree(tenant, tasks, "istio"));
  const service = `service-${headers.taskid}.`;
  const variant = (kind: string, host: object): Variant => ({
    name: `${name}, ${kind}`,
    envoy: { tasks: [], filters: [] },
    virtualHost: answering(host, service),
    load: { path: "/v2/models/x/infer", headers, requests: 60_000, connections: 20 },
  });
  return [variant("Istio's routes", plain), variant("match tree", tree)];
}

/** The virtual host, which answers itself where it would go to a cluster of the service. */
function answering(host: object, service: string): object {
  return JSON.parse(JSON.stringify(host), (_key, value) => {
    if (!value?.route?.cluster?.includes(`|${service}`)) return value;
    const { name, match, decorator } = value;
    return { name, match, decorator, direct_response: { status: 200, body: { inline_string: "ok" } } };
  });
}
