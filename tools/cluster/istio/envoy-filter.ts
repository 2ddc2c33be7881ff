import { protectionOf } from "../../api/gateway-protection.ts";
import { longestSilenceMilliseconds, type ModelTask } from "../../api/model-task.ts";
import { gatewaySelector, type Tenant } from "../../api/tenant.ts";
import { HTTP1_OPTIONS } from "../../lib/envoy/bootstrap.ts";
import { compressor } from "../../lib/envoy/compressor.ts";
import { connectionLimit, http2Protection, httpProtection } from "../../lib/envoy/protection.ts";
import { tracing } from "../../lib/envoy/tracing.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { accessLoggers } from "./access-log-config.ts";
import { owned, serviceCluster } from "./names.ts";
import { removedHeaders } from "./tenant-auth-config.ts";

const HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager";
/** Filters that count what the access log has already. */
const STATS_FILTERS = ["istio.stats", "envoy.filters.http.grpc_stats"];

/**
 * What Istio has no field for: access log format, buffer sizes, HTTP/2 windows, upgrades to ignore,
 * credentials that no route hands on, what one client may take, compressed responses, and stats filters off.
 * @param tasks whose longest silence no idle timeout may undercut
 */
export function envoyFilter(tenant: Tenant, tasks: ModelTask[]): Manifest {
  const { name, namespace, tuning } = tenant.spec.gateway;
  const protection = protectionOf(tenant.spec.gateway.protection, longestSilenceMilliseconds(tasks));
  return {
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "EnvoyFilter",
    metadata: owned(tenant.metadata.name, name, namespace),
    spec: {
      workloadSelector: { labels: gatewaySelector(tenant) },
      configPatches: [
        {
          applyTo: "LISTENER",
          match: { context: "GATEWAY" },
          patch: { operation: "MERGE", value: { per_connection_buffer_limit_bytes: tuning.bufferBytes } },
        },
        {
          applyTo: "CLUSTER",
          match: { context: "GATEWAY" },
          patch: { operation: "MERGE", value: { per_connection_buffer_limit_bytes: tuning.bufferBytes } },
        },
        {
          applyTo: "NETWORK_FILTER",
          match: {
            context: "GATEWAY",
            listener: { filterChain: { filter: { name: HTTP_CONNECTION_MANAGER } } },
          },
          patch: {
            operation: "MERGE",
            value: {
              typed_config: {
                "@type":
                  "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                http_protocol_options: HTTP1_OPTIONS,
                ...httpProtection(protection),
                http2_protocol_options: {
                  ...http2Protection(protection),
                  initial_stream_window_size: tuning.streamWindowBytes,
                  initial_connection_window_size: tuning.connectionWindowBytes,
                },
                access_log: accessLoggers(tenant),
                ...tracingOf(tenant),
              },
            },
          },
        },
        {
          applyTo: "NETWORK_FILTER",
          match: {
            context: "GATEWAY",
            listener: { filterChain: { filter: { name: HTTP_CONNECTION_MANAGER } } },
          },
          patch: { operation: "INSERT_BEFORE", value: connectionLimit(protection) },
        },
        {
          applyTo: "ROUTE_CONFIGURATION",
          match: { context: "GATEWAY" },
          patch: { operation: "MERGE", value: { request_headers_to_remove: removedHeaders(tenant, tasks) } },
        },
        ...compressorPatch(tenant),
        ...(tuning.stats ? [] : STATS_FILTERS.map(withoutFilter)),
      ],
    },
  };
}

function tracingOf({ metadata, spec }: Tenant): object {
  const to = spec.gateway.tuning.tracing;
  if (to === undefined) return {};
  const authority = `${to.service}.${to.namespace}:${to.port}`;
  const options = { cluster: serviceCluster(to), authority, percent: to.percent, tenant: metadata.name };
  return { tracing: tracing(options) };
}

/** In front of all filters, as responses pass them last to first. */
function compressorPatch({ spec: { compression } }: Tenant): object[] {
  if (!compression?.responses) return [];
  return [
    {
      applyTo: "HTTP_FILTER",
      match: {
        context: "GATEWAY",
        listener: { filterChain: { filter: { name: HTTP_CONNECTION_MANAGER } } },
      },
      patch: { operation: "INSERT_FIRST", value: compressor(compression.responses.minBytes) },
    },
  ];
}

function withoutFilter(name: string): object {
  return {
    applyTo: "HTTP_FILTER",
    match: {
      context: "GATEWAY",
      listener: { filterChain: { filter: { name: HTTP_CONNECTION_MANAGER, subFilter: { name } } } },
    },
    patch: { operation: "REMOVE" },
  };
}
