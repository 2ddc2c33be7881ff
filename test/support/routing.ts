import fc from "fast-check";
import { type ModelTask, modelTask } from "../../tools/api/model-task.ts";
import { type Tenant, tenant } from "../../tools/api/tenant.ts";
import {
  type EnvoyHeaderMatcher,
  type EnvoyRoute,
  envoyRoute,
} from "../../tools/cluster/istio/envoy-route.ts";
import { routeRules } from "../../tools/cluster/istio/gateway-api.ts";
import type { RouteSource } from "../../tools/cluster/istio/route-tree.ts";
import { httpRules } from "../../tools/cluster/istio/virtual-service.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";

/** Tenants, tasks and requests at random, and how Envoy routes the requests, by its documents. */

const apiVersion = "modelgate.dev/v1alpha1";

export function routedTenant(gateway: object = {}): Tenant {
  return tenant.parse({
    apiVersion,
    kind: "Tenant",
    metadata: { name: "search" },
    spec: {
      namespaces: ["models"],
      gateway: { name: "gw", namespace: "edge", hosts: ["*"], routing: "tree", ...gateway },
    },
  });
}

export function routedTask(taskid: string, spec: object = {}): ModelTask {
  const name = taskid.toLowerCase().replace(/[^a-z0-9]/g, "-");
  return modelTask.parse({
    apiVersion,
    kind: "ModelTask",
    metadata: { name: `task-${name}`, namespace: "models" },
    spec: { taskid, tenant: "search", service: { name: `service-${name}` }, ...spec },
  });
}

const VERSIONS = ["v1", "v10", "V.2", "1.0"];
const HEADERS = ["x-a", "x-user", "version", "accept"];
const VALUES = ["a", "ab", "v1", "v10", "V.2", "b,a"];
const TASKIDS = ["1", "10", "666", "A.b~c", "x-y"];

const percents = fc.constantFrom(0.01, 0.3, 5, 29, 100);
const common = fc.record(
  {
    timeout: fc.constantFrom("15s", "1m30s", "1.5s", "250ms", "1h"),
    retries: fc.record(
      {
        attempts: fc.integer({ min: 0, max: 10 }),
        perTryTimeout: fc.constantFrom("500ms", "2s"),
        on: fc.subarray(["5xx", "503", "unavailable", "429", "retriable-status-codes"], { minLength: 1 }),
      },
      { requiredKeys: [] },
    ),
    fault: fc.record(
      {
        delay: fc.record({ duration: fc.constantFrom("1s", "20ms"), percent: percents }),
        abort: fc.record({ status: fc.constantFrom(503, 429), percent: percents }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

const versioned = fc
  .tuple(fc.uniqueArray(fc.constantFrom(...VERSIONS), { maxLength: 3 }), fc.boolean())
  .chain(([names, weighted]) => {
    const versions = names.map((name, index) => ({
      name,
      labels: { version: name },
      ...(weighted && { weight: index === 0 ? 100 - 10.5 * (names.length - 1) : 10.5 }),
    }));
    if (names.length === 0) return fc.constant({ versions });
    const version = fc.constantFrom(...names);
    const matcher = fc.oneof(
      fc.record({ header: fc.constantFrom(...HEADERS), version, exact: fc.constantFrom(...VALUES) }),
      fc.record({ header: fc.constantFrom(...HEADERS), version, prefix: fc.constantFrom(...VALUES) }),
    );
    return fc.record(
      {
        versions: fc.constant(versions),
        matches: fc.array(matcher, { maxLength: 3 }),
        mirror: fc.record({ version, percent: fc.oneof(percents, fc.constant(0)) }),
      },
      { requiredKeys: ["versions"] },
    );
  });

/** Tasks of one gateway, with versions, weights, A/B matches, mirrors, timeouts, retries and faults. */
export const tasks: fc.Arbitrary<ModelTask[]> = fc
  .uniqueArray(fc.constantFrom(...TASKIDS), { minLength: 1 })
  .chain((taskids) =>
    fc.tuple(
      ...taskids.map((taskid) =>
        fc.tuple(versioned, common).map(([routing, rest]) => routedTask(taskid, { ...routing, ...rest })),
      ),
    ),
  );

export type Headers = Record<string, string[]>;

const values = (...some: string[]): fc.Arbitrary<string[]> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...some).map((value) => [value]) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom(...some), { minLength: 2, maxLength: 2 }) },
    { weight: 1, arbitrary: fc.constantFrom<string[][]>(["other"], [""]) },
  );

/** Headers of a request, of which some may stand twice. */
export const requests: fc.Arbitrary<Headers> = fc
  .record(
    {
      taskid: values(...TASKIDS),
      version: values(...VERSIONS),
      "x-a": values(...VALUES),
      "x-user": values(...VALUES, "abc"),
      accept: values(...VALUES),
    },
    { requiredKeys: [] },
  )
  .map((headers): Headers => ({ ...headers }));

/** What istiod makes of the tenant's VirtualServices or HTTPRoutes. */
export function istioRoutes({ spec }: Tenant, all: ModelTask[], source: RouteSource): EnvoyRoute[] {
  return all.flatMap((task) => {
    const rules = source === "istio" ? httpRules(task) : routeRules(task);
    return rules.map((rule) =>
      envoyRoute(rule, [], {
        virtualService: task.metadata.name,
        port: spec.gateway.port,
        ...(source !== "istio" && { clusterNotFound: "INTERNAL_SERVER_ERROR" as const }),
      }),
    );
  });
}

export interface VirtualHost {
  name: string;
  domains: string[];
  routes: EnvoyRoute[];
  matcher?: Matcher;
}

interface Action {
  action: { name: string; typed_config: { routes: EnvoyRoute[] } };
}

interface Matcher {
  matcher_tree: { exact_match_map: { map: Record<string, Action> } };
  on_no_match: Action;
}

interface Patch {
  applyTo: string;
  match: { routeConfiguration: { portNumber?: number; vhost: { name?: string; domainName?: string } } };
  patch: { operation: string; value?: object };
}

/**
 * A virtual host as istiod patches it by EnvoyFilters (pilot/pkg/networking/core/envoyfilter/rc_patch.go): in
 * the order of their priorities, what is for virtual hosts first.
 */
export function patched(host: VirtualHost, filters: Manifest[]): VirtualHost {
  const specs = filters.map(({ spec }) => spec as { priority: number; configPatches: Patch[] });
  const patches = specs.toSorted((a, b) => a.priority - b.priority).flatMap((spec) => spec.configPatches);
  let result = host;
  const matches = ({ match: { routeConfiguration } }: Patch) => {
    const { name, domainName } = routeConfiguration.vhost;
    const named = name === undefined || name === result.name;
    return named && (domainName === undefined || result.domains.includes(domainName));
  };
  for (const each of patches)
    if (each.applyTo === "VIRTUAL_HOST" && matches(each))
      result = merged(result, each.patch.value ?? {}) as VirtualHost;
  for (const each of patches)
    if (each.applyTo === "HTTP_ROUTE" && matches(each) && each.patch.operation === "REMOVE")
      result = { ...result, routes: [] };
  return result;
}

function merged(into: unknown, from: unknown): unknown {
  if (typeof into !== "object" || typeof from !== "object" || into === null || from === null) return from;
  const result: Record<string, unknown> = { ...into };
  for (const [key, value] of Object.entries(from)) result[key] = merged(result[key], value);
  return result;
}

/** The route that Envoy takes in a virtual host. @throws Error for one that Envoy refuses */
export function routeOf({ routes, matcher }: VirtualHost, headers: Headers): EnvoyRoute | undefined {
  if (!matcher) return routes.find(({ match }) => matchesAll(match.headers ?? [], headers));
  if (routes.length > 0) throw new Error("Envoy refuses a virtual host with routes and a matcher");
  // The input HttpRequestHeaderMatchInput: the values with commas between them.
  const taskid = headers.taskid?.join(",");
  const { map } = matcher.matcher_tree.exact_match_map;
  const found = (taskid !== undefined && map[taskid]) || matcher.on_no_match;
  return found.action.typed_config.routes.find(
    ({ match }) => match.grpc === undefined && matchesAll(match.headers ?? [], headers),
  );
}

/** config.route.v3.HeaderMatcher: one of the values is enough. */
function matchesAll(matchers: EnvoyHeaderMatcher[], headers: Headers): boolean {
  return matchers.every(({ name, string_match, invert_match }) => {
    const values = headers[name] ?? [];
    const found = values.some((value) => string_match === undefined || matchesText(string_match, value));
    return found !== (invert_match ?? false);
  });
}

function matchesText(matcher: NonNullable<EnvoyHeaderMatcher["string_match"]>, value: string): boolean {
  if ("exact" in matcher) return value === matcher.exact;
  if ("prefix" in matcher) return value.startsWith(matcher.prefix);
  return new RegExp(`^(?:${matcher.safe_regex.regex})$`, "s").test(value);
}
