import { idleMilliseconds, type ModelTask } from "../../api/model-task.ts";
import { gatewaySelector, type Tenant } from "../../api/tenant.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { type EnvoyRoute, envoyRoute } from "./envoy-route.ts";
import { routeRules } from "./gateway-api.ts";
import type { HttpRule } from "./http-rule.ts";
import { modelNameRoute } from "./model-name.ts";
import { namespaceOf, owned, ROUTING_LABEL, shortDigest } from "./names.ts";
import { replyRoutes, TASK_UNKNOWN, VERSION_UNKNOWN } from "./native-replies.ts";
import { remembered } from "./remembered.ts";
import { httpRules } from "./virtual-service.ts";

/**
 * Istio's routes are tried one after the other; from this many on, a match tree costs clearly less
 * (docs/concepts/routing.md has the measurement). Below it Istio's own routes stand alone.
 */
export const TREE_FROM_ROUTES = 64;
/** Name that the gateway's virtual hosts get: without it the entries of the tasks change nothing. */
const TREE = "modelgate-tree";
/** EnvoyFilters are applied in this order; those of others, with 0, find Istio's routes as they were. */
const PRIORITY = { tree: 10, task: 20 };
const TREE_HOSTS = { context: "GATEWAY", routeConfiguration: { vhost: { name: TREE } } };
const MOST_NAME_CHARACTERS = 253;
const ROUTE_LIST = "type.googleapis.com/envoy.config.route.v3.RouteList";
const HEADER_INPUT = "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput";

/** Whose routes the tree stands for. */
export type RouteSource = "istio" | "gateway-api";

/** Do the tenant's gateways route by a match tree? */
function routesByTree({ spec }: Tenant, tasks: ModelTask[]): boolean {
  const { routing } = spec.gateway;
  if (routing !== undefined) return routing === "tree";
  const routes = tasks.reduce(
    (sum, task) => sum + task.spec.matches.length + task.spec.versions.length + 1,
    0,
  );
  return routes >= TREE_FROM_ROUTES;
}

/**
 * The gateway's routes as a match tree by the header `taskid`, so that a request costs the same however many
 * tasks there are. The VirtualServices (or HTTPRoutes) stay what people read; Envoy takes either routes or a
 * tree, so the tree replaces what istiod made of them. Each task has an EnvoyFilter of its own with its
 * entry; one more gives the virtual hosts the tree's root and removes Istio's routes. The entries go to
 * virtual hosts by the name that only that one gives, so they do nothing while it is not there: it is to be
 * applied after them.
 * @returns where routes are not a tree, the last of these alone, and empty: it ends a tree that was there
 * before
 */
export function routeTree(tenant: Tenant, tasks: ModelTask[], source: RouteSource): Manifest[] {
  if (!routesByTree(tenant, tasks)) return [envoyFilter(tenant, "tree", rootName(tenant), [])];
  return [
    ...tasks.map((task) => taskFilters[source](tenant, task)),
    envoyFilter(tenant, "tree", rootName(tenant), root(tenant, tasks)),
  ];
}

const taskFilter = (source: RouteSource) =>
  remembered((tenant, task) =>
    envoyFilter(tenant, "task", entryName(tenant, task), [entry(tenant, task, source)]),
  );
const taskFilters = { istio: taskFilter("istio"), "gateway-api": taskFilter("gateway-api") };

function envoyFilter(tenant: Tenant, part: "tree" | "task", name: string, configPatches: object[]): Manifest {
  const metadata = owned(tenant.metadata.name, name, tenant.spec.gateway.namespace);
  return {
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "EnvoyFilter",
    metadata: { ...metadata, labels: { ...metadata.labels, [ROUTING_LABEL]: part } },
    spec: {
      workloadSelector: { labels: gatewaySelector(tenant) },
      priority: PRIORITY[part],
      configPatches,
    },
  };
}

function rootName({ spec }: Tenant): string {
  return `${spec.gateway.name}-routing`;
}

/** No label of Kubernetes has a dot, so no two tasks share a name. */
function entryName({ spec }: Tenant, { metadata }: ModelTask): string {
  const name = `${spec.gateway.name}.${namespaceOf(metadata)}.${metadata.name}`;
  return name.length <= MOST_NAME_CHARACTERS ? name : `${spec.gateway.name}.${shortDigest(name)}`;
}

function root({ spec: { gateway } }: Tenant, tasks: ModelTask[]): object[] {
  const ofModels = tasks.some(({ spec }) => spec.protocol === "openai") ? [modelNameRoute()] : [];
  const unknown = action("unknown", [...ofModels, ...replyRoutes(TASK_UNKNOWN)]);
  const matcher = {
    matcher_tree: {
      input: { name: "taskid", typed_config: { "@type": HEADER_INPUT, header_name: "taskid" } },
      // Envoy takes no empty map, which it is until the first task has an entry.
      exact_match_map: { map: { "": unknown } },
    },
    on_no_match: unknown,
  };
  return [
    ...gateway.hosts.map((domainName) => ({
      applyTo: "VIRTUAL_HOST",
      match: {
        context: "GATEWAY",
        routeConfiguration: { portNumber: gateway.port, vhost: { domainName } },
      },
      patch: { operation: "MERGE", value: { name: TREE, matcher } },
    })),
    { applyTo: "HTTP_ROUTE", match: TREE_HOSTS, patch: { operation: "REMOVE" } },
  ];
}

function entry(tenant: Tenant, task: ModelTask, source: RouteSource): object {
  const { taskid } = task.spec;
  const map = { [taskid]: action(taskid, taskRoutes(tenant, task, source)) };
  return {
    applyTo: "VIRTUAL_HOST",
    match: TREE_HOSTS,
    patch: { operation: "MERGE", value: { matcher: { matcher_tree: { exact_match_map: { map } } } } },
  };
}

function action(name: string, routes: object[]): object {
  return { action: { name, typed_config: { "@type": ROUTE_LIST, routes } } };
}

/**
 * The routes of a task, in the order in which Envoy tries them; the last ones answer versions that it does
 * not have.
 */
function taskRoutes(tenant: Tenant, task: ModelTask, source: RouteSource): EnvoyRoute[] {
  const { port } = tenant.spec.gateway;
  const rules: HttpRule[] = source === "istio" ? httpRules(task) : routeRules(task);
  const idleMs = idleMilliseconds(task);
  const routes = rules.map((rule) =>
    envoyRoute(rule, ["taskid"], {
      virtualService: task.metadata.name,
      port,
      ...(idleMs !== undefined && { idleMs }),
      ...(source !== "istio" && { clusterNotFound: "INTERNAL_SERVER_ERROR" as const }),
    }),
  );
  const last = routes.at(-1);
  return last?.match.headers ? [...routes, ...replyRoutes(VERSION_UNKNOWN)] : routes;
}
