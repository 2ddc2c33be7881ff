import type { ModelTask } from "../../api/model-task.ts";
import { gatewaySelector, type Tenant } from "../../api/tenant.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { both, corsReplies, type ReplyMapper } from "./cors-replies.ts";
import { owned } from "./names.ts";
import { FILTER_MISSING, jsonBody } from "./native-replies.ts";
import { openAiReplies } from "./openai-replies.ts";

/** Filter state that gateway.wasm and tenant-auth.wasm leave at requests that may go on; no client can. */
const MARK = { key: "wasm.modelgate.passed", value: "1" };
/** Istio adds its own filters to the name of the stat: http.<listener>.rbac.modelgate.denied. */
export const STAT_PREFIX = "modelgate.";
/** Envoy's response code details of what the check has refused. */
export const REFUSED_DETAILS = `rbac_access_denied_matched_policy[${FILTER_MISSING.reason}]`;
const HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager";
const ROUTER = "envoy.filters.http.router";
/**
 * Before the converters, which stand right before the router as well: what is inserted last is next to it.
 */
const PRIORITY = -10;

/**
 * Envoy's own check, right before the router, that the filter has let a request through: a listener without
 * the filter, or with one that did not run, refuses every request. It selects all pods of the gateway,
 * whatever their slice and whether or not they have a WasmPlugin.
 * What Envoy answers by itself says to pages of other origins that they may read it, as the filter's replies
 * do.
 * @returns empty for a filter that may fail open, without `cors`: it ends a check that was there before
 */
export function nativeCheck(tenant: Tenant, tasks: ModelTask[]): Manifest {
  const { name, namespace, filter } = tenant.spec.gateway;
  const hasCheck = filter.failStrategy !== "FAIL_OPEN";
  const replies = localReplies(hasCheck, corsReplies(tenant, tasks), openAiReplies(tasks));
  const inManager = (more: object = {}) => ({
    context: "GATEWAY",
    listener: { filterChain: { filter: { name: HTTP_CONNECTION_MANAGER, ...more } } },
  });
  const check = {
    applyTo: "HTTP_FILTER",
    match: inManager({ subFilter: { name: ROUTER } }),
    patch: { operation: "INSERT_BEFORE", value: checkFilter() },
  };
  const patches = [
    ...(hasCheck ? [check] : []),
    {
      applyTo: "NETWORK_FILTER",
      match: inManager(),
      patch: {
        operation: "MERGE",
        value: {
          typed_config: {
            "@type":
              "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            local_reply_config: replies,
          },
        },
      },
    },
  ];
  return {
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "EnvoyFilter",
    metadata: owned(tenant.metadata.name, `${name}-check`, namespace),
    spec: {
      workloadSelector: { labels: gatewaySelector(tenant) },
      priority: PRIORITY,
      configPatches: replies.mappers.length > 0 ? patches : [],
    },
  };
}

/**
 * The HTTP filter that refuses what has no mark. What has it skips the refusal, which costs a request next to
 * nothing: an RBAC filter that looks for the mark by itself takes 2 to 4 us (test/bench/native-check.ts).
 */
export function checkFilter(): object {
  const all = { permissions: [{ any: true }], principals: [{ any: true }] };
  return {
    name: "modelgate.check",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher",
      extension_config: {
        name: "refusal",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
          rules_stat_prefix: STAT_PREFIX,
          rules: { action: "DENY", policies: { [FILTER_MISSING.reason]: all } },
        },
      },
      xds_matcher: {
        matcher_tree: {
          input: {
            name: "mark",
            typed_config: {
              "@type":
                "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.FilterStateInput",
              key: MARK.key,
            },
          },
          exact_match_map: { map: { [MARK.value]: { action: SKIP } } },
        },
      },
    },
  };
}

const SKIP = {
  name: "skip",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter",
  },
};

/**
 * `local_reply_config` of the HTTP connection manager: what Envoy's own answers become.
 * @param hasCheck whether the native check is there, of whose 403 callers get another status and text
 * @param openAi from `openAiReplies`
 * @param cors from `corsReplies`; the first mapper that fits is the one that counts
 */
export function localReplies(
  hasCheck: boolean,
  cors: ReplyMapper[],
  openAi: ReplyMapper[] = [],
): { mappers: ReplyMapper[] } {
  const refusals = [...(hasCheck ? checkReplies() : []), ...openAi];
  const mappers = refusals.flatMap((refusal) => [...cors.map((each) => both(refusal, each)), refusal]);
  return { mappers: [...mappers, ...cors] };
}

function checkReplies(): ReplyMapper[] {
  const refused = {
    extension_filter: {
      name: "envoy.access_loggers.extension_filters.cel",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
        expression: `response.code_details == "${REFUSED_DETAILS}"`,
      },
    },
  };
  const grpc = {
    header_filter: { header: { name: "content-type", string_match: { prefix: "application/grpc" } } },
  };
  const reply = (filter: object, inline_string: string, content_type: string) => ({
    filter,
    status_code: FILTER_MISSING.status,
    body: { inline_string },
    body_format_override: { text_format_source: { inline_string: "%LOCAL_REPLY_BODY%" }, content_type },
  });
  return [
    reply({ and_filter: { filters: [refused, grpc] } }, FILTER_MISSING.message, "text/plain"),
    reply(refused, jsonBody(FILTER_MISSING), "application/json"),
  ];
}
