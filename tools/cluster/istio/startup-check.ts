import { gatewaySelector, type Tenant } from "../../api/tenant.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import type { ReplyMapper } from "./cors-replies.ts";
import { NETWORKING, owned } from "./names.ts";

/** Beside those of Istio's agent. Whoever else asks there meets the same filter, and no route behind it. */
export const STARTUP_PORT = 15_022;
export const STARTUP_PATH = "/modelgate/startup";
const HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager";
/**
 * What a request without a credential and without a route gets where the filter runs: 401 from it, or 404
 * where its mode lets the request pass. Without it Istio's agent has Envoy answer 403, `nativeCheck` 503, and
 * Envoy by itself 500.
 */
const PASSED_STATUSES = [401, 404];

/**
 * A listener for the startup probe of the gateway's pods, without TLS and without routes: istiod gives it the
 * filters that the others have, whatever the slice of the pod, so it answers 200 once they run and an error
 * before. Istio's own probe says ready also where the filter can't be pulled and every request is refused.
 * @returns nothing when the pods are somebody else's
 */
export function startupCheck(tenant: Tenant): Manifest[] {
  const { name, namespace, deployment } = tenant.spec.gateway;
  if (!deployment) return [];
  const metadata = owned(tenant.metadata.name, `${name}-startup`, namespace);
  return [
    {
      apiVersion: NETWORKING,
      kind: "Gateway",
      metadata,
      spec: {
        selector: gatewaySelector(tenant),
        servers: [{ port: { number: STARTUP_PORT, name: "http-startup", protocol: "HTTP" }, hosts: ["*"] }],
      },
    },
    {
      apiVersion: "networking.istio.io/v1alpha3",
      kind: "EnvoyFilter",
      metadata,
      spec: {
        workloadSelector: { labels: gatewaySelector(tenant) },
        configPatches: [
          {
            applyTo: "NETWORK_FILTER",
            match: {
              context: "GATEWAY",
              listener: {
                portNumber: STARTUP_PORT,
                filterChain: { filter: { name: HTTP_CONNECTION_MANAGER } },
              },
            },
            patch: {
              operation: "MERGE",
              value: {
                typed_config: {
                  "@type":
                    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                  local_reply_config: { mappers: PASSED_STATUSES.map(asPassed) },
                },
              },
            },
          },
        ],
      },
    },
  ];
}

/** Has a kubelet read a status of Envoy's own answers as success. */
function asPassed(status: number): ReplyMapper {
  const value = { default_value: status, runtime_key: "modelgate.startup_status" };
  return { filter: { status_code_filter: { comparison: { op: "EQ", value } } }, status_code: 200 };
}
