import { STATUS_CODES } from "node:http";
import { durationMilliseconds } from "../../api/fields.ts";
import type { Destination, FaultRule, HttpRule, RetryRule, StringRule } from "./http-rule.ts";
import { outboundCluster } from "./names.ts";

/** Envoy's `config.route.v3.Route`, as far as it is used here. */
export interface EnvoyRoute {
  name: string;
  match: { prefix: string; case_sensitive?: boolean; headers?: EnvoyHeaderMatcher[]; grpc?: object };
  [field: string]: unknown;
}

/** Envoy's `config.route.v3.HeaderMatcher`, as far as it is used here. */
export interface EnvoyHeaderMatcher {
  name: string;
  string_match?: { exact: string } | { prefix: string } | { safe_regex: { regex: string } };
  present_match?: true;
  invert_match?: true;
}

interface EnvoyRouteOptions {
  /**
   * Name of the VirtualService, and the gateway's port: what Istio calls an operation of more than one
   * cluster in traces.
   */
  virtualService: string;
  port: number;
  /** Answer 500 when a cluster is not there, as Istio does for routes of the Gateway API. */
  clusterNotFound?: "INTERNAL_SERVER_ERROR";
  /** How long a request may be silent, in milliseconds; no rule of Istio can say it. */
  idleMs?: number;
}

/** Retries where a rule has none (Istio: pilot/pkg/networking/core/route/retry/retry.go). */
const DEFAULT_RETRIES: RetryRule = {
  attempts: 2,
  retryOn: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
};
const FAULT_FILTER = "envoy.filters.http.fault";

/**
 * The Envoy route that istiod makes of a VirtualService's rule (pilot/pkg/networking/core/route/route.go,
 * `TranslateRoute`), less the metadata that name the VirtualService.
 * @param known headers that are known to match, and are left out
 */
export function envoyRoute(rule: HttpRule, known: string[], options: EnvoyRouteOptions): EnvoyRoute {
  const { name, route, timeout, headers: changed, retries = DEFAULT_RETRIES, mirrors = [], fault } = rule;
  const headers = headerMatchers(rule).filter((header) => !known.includes(header.name));
  const time = timeout === undefined ? "0s" : protoDuration(timeout);
  const mirrored = mirrors.filter(({ percentage }) => percentage.value > 0);
  return {
    name,
    match: { prefix: "/", case_sensitive: true, ...(headers.length > 0 && { headers }) },
    route: {
      ...clusters(route),
      ...(options.clusterNotFound && { cluster_not_found_response_code: options.clusterNotFound }),
      timeout: time,
      max_grpc_timeout: time,
      ...(options.idleMs !== undefined && { idle_timeout: `${options.idleMs / 1000}s` }),
      ...(retries.attempts > 0 && { retry_policy: retryPolicy(retries) }),
      ...(mirrored.length > 0 && {
        request_mirror_policies: mirrored.map(({ destination, percentage }) => ({
          cluster: cluster(destination),
          runtime_fraction: { default_value: fraction(percentage.value) },
          trace_sampled: false,
          disable_shadow_host_suffix_append: true,
        })),
      }),
    },
    ...(changed && { request_headers_to_remove: changed.request.remove }),
    decorator: { operation: operation(rule, options) },
    ...(fault && { typed_per_filter_config: { [FAULT_FILTER]: faultConfig(fault) } }),
  };
}

/** In the order of their names, as Istio has them. */
function headerMatchers({ match: [{ headers, withoutHeaders = {} }] }: HttpRule): EnvoyHeaderMatcher[] {
  return [
    ...Object.entries(headers).map(([name, value]) => headerMatcher(name, value)),
    ...Object.entries(withoutHeaders).map(
      ([name, value]): EnvoyHeaderMatcher => ({
        ...headerMatcher(name, value),
        invert_match: true,
      }),
    ),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function headerMatcher(name: string, { exact, prefix, regex }: StringRule): EnvoyHeaderMatcher {
  if (exact !== undefined) return { name, string_match: { exact } };
  if (prefix !== undefined) return { name, string_match: { prefix } };
  if (regex !== undefined) return { name, string_match: { safe_regex: { regex } } };
  return { name, present_match: true };
}

function clusters(route: HttpRule["route"]): object {
  const [only, ...more] = route;
  if (only && more.length === 0) return { cluster: cluster(only.destination) };
  const weighted = route
    .filter(({ weight = 0 }) => weight > 0)
    .map(({ destination, weight }) => ({ name: cluster(destination), weight }));
  return { weighted_clusters: { clusters: weighted } };
}

function cluster({ host, port, subset }: Destination): string {
  return outboundCluster(host, port.number, subset);
}

function operation({ route: [first, ...more] }: HttpRule, options: EnvoyRouteOptions): string {
  if (!first || more.length > 0) return `${options.virtualService}:${options.port}/*`;
  return `${first.destination.host}:${first.destination.port.number}/*`;
}

function retryPolicy({ attempts, retryOn = "", perTryTimeout }: RetryRule): object {
  const conditions = retryOn.split(",");
  const codes = conditions.filter(isStatusCode).map(Number);
  const named = conditions.filter((condition) => !isStatusCode(condition));
  if (codes.length > 0 && !named.some((condition) => condition.includes("retriable-status-codes")))
    named.push("retriable-status-codes");
  return {
    retry_on: named.join(","),
    num_retries: attempts,
    ...(perTryTimeout !== undefined && { per_try_timeout: protoDuration(perTryTimeout) }),
    ...(codes.length > 0 && { retriable_status_codes: codes }),
    retry_host_predicate: [
      {
        name: "envoy.retry_host_predicates.previous_hosts",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        },
      },
    ],
    host_selection_retry_max_attempts: "5",
  };
}

/** Istio takes a number for a status when Go has a text for it; Node has one more, 509. */
function isStatusCode(condition: string): boolean {
  return (
    /^\d+$/.test(condition) && Number(condition) !== 509 && STATUS_CODES[Number(condition)] !== undefined
  );
}

function faultConfig({ delay, abort }: FaultRule): object {
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
    ...(delay && {
      delay: {
        fixed_delay: protoDuration(delay.fixedDelay),
        percentage: fraction(delay.percentage.value),
      },
    }),
    ...(abort && {
      abort: { http_status: abort.httpStatus, percentage: fraction(abort.percentage.value) },
    }),
  };
}

/** Istio cuts off what a millionth can't say. */
function fraction(percent: number): object {
  return { numerator: Math.trunc(percent * 10_000), denominator: "MILLION" };
}

/** A duration as protobuf's JSON has it: seconds, with 3, 6 or 9 decimals at most. */
function protoDuration(duration: string): string {
  const seconds = durationMilliseconds(duration) / 1000;
  return `${Number(seconds.toFixed(9))}s`;
}
