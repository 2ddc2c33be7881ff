import { fileURLToPath } from "node:url";
import { checkFilter } from "../../tools/cluster/istio/native-check.ts";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { compileModule } from "../../tools/lib/wasm/compile.ts";
import type { Variant } from "./variants.ts";

const KEY = "wasm.modelgate.passed";
const HEADER = "x-modelgate-passed";
const RBAC_TYPE = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
const ANSWER = { direct_response: { status: 200, body: { inline_string: "ok" } } };
const PLAIN = { routes: [{ match: { prefix: "/" }, ...ANSWER }] };

/**
 * Ways to let a request go on only when the filter has marked it: what the mark and the check cost, beside a
 * filter that does neither. Each caller's copy of the header mark would have to be removed too, which is not
 * counted here.
 */
export async function nativeCheck(): Promise<Variant[]> {
  const module = fileURLToPath(new URL("build/test/mark.wasm", PROJECT_ROOT));
  await compileModule(fileURLToPath(new URL("test/wasm/mark.ts", PROJECT_ROOT)), module);
  const variant = (name: string, mark: object, check: object[], virtualHost: object = PLAIN): Variant => ({
    name,
    // Not "no filter": what is added is beside the first variant.
    envoy: { tasks: [], filters: [wasmFilter("mark", module, { mark }), ...check] },
    virtualHost,
    load: { path: "/", headers: { taskid: "666" }, requests: 60_000, connections: 20 },
  });
  const state = { state: true };
  return [
    variant("no mark, no check", {}, []),
    variant("filter state, no check", state, []),
    variant("filter state, the check as rendered", state, [checkFilter()]),
    variant("filter state, RBAC by policy", state, [rbacByPolicy({ filter_state: marked })]),
    variant("filter state, RBAC by matcher", state, [rbacByMatcher()]),
    variant("filter state, route match", { ...state, clearRouteCache: true }, [], matchedByState()),
    variant("header, no check", { header: true }, []),
    variant("header, RBAC by policy", { header: true }, [
      rbacByPolicy({ header: { name: HEADER, present_match: true } }),
    ]),
    variant("header, route match", { header: true }, [], {
      routes: [
        {
          match: { prefix: "/", headers: [{ name: HEADER, present_match: true }] },
          request_headers_to_remove: [HEADER],
          ...ANSWER,
        },
      ],
    }),
  ];
}

const marked = { key: KEY, string_match: { exact: "1" } };

function rbacByPolicy(principal: object): object {
  const policies = { passed: { permissions: [{ any: true }], principals: [principal] } };
  return {
    name: "envoy.filters.http.rbac",
    typed_config: { "@type": RBAC_TYPE, rules: { action: "ALLOW", policies } },
  };
}

const STATE_INPUT = {
  name: "state",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.FilterStateInput",
    key: KEY,
  },
};

function rbacByMatcher(): object {
  const action = (name: string, typed: object) => ({
    action: {
      name,
      typed_config: { "@type": "type.googleapis.com/envoy.config.rbac.v3.Action", name, ...typed },
    },
  });
  return {
    name: "envoy.filters.http.rbac",
    typed_config: {
      "@type": RBAC_TYPE,
      matcher: {
        matcher_tree: {
          input: STATE_INPUT,
          exact_match_map: { map: { 1: action("passed", { action: "ALLOW" }) } },
        },
        on_no_match: action("missing", { action: "DENY" }),
      },
    },
  };
}

function matchedByState(): object {
  const route = {
    "@type": "type.googleapis.com/envoy.config.route.v3.Route",
    match: { prefix: "/" },
    ...ANSWER,
  };
  return {
    matcher: {
      matcher_tree: {
        input: STATE_INPUT,
        exact_match_map: { map: { 1: { action: { name: "passed", typed_config: route } } } },
      },
    },
  };
}
