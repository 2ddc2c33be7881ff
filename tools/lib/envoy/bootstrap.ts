import {
  connectionLimit,
  DEFAULT_PROTECTION,
  http2Protection,
  httpProtection,
  overloadManager,
  PROTECTION_RUNTIME,
  type Protection,
} from "./protection.ts";

const HTTP_CONNECTION_MANAGER =
  "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

export interface TaskRoute {
  /** Value of the header `taskid`. */
  taskid: string;
  /** Where the task's model server speaks gRPC; 127.0.0.1 unless said otherwise. */
  host?: string;
  port: number;
  /** Does it speak HTTP/1.1, and no gRPC? */
  http1?: boolean;
  /** Requests after which a connection to it is closed; default: none. */
  maxRequestsPerConnection?: number | undefined;
  /** Timeout of a request, in milliseconds; default: 15 s, 0: none. */
  timeoutMs?: number;
  /** How long a request may be silent, in milliseconds; default: as `protection` says. */
  idleMs?: number;
  /** Headers of callers that the model server does not get. */
  removedHeaders?: string[];
}

export interface BootstrapOptions {
  tasks: TaskRoute[];
  /** HTTP filters in front of the router. */
  filters: object[];
  accessLogs?: object[];
  /** Changes what Envoy answers by itself: its `local_reply_config`. */
  localReplies?: object;
  /** Routes to put before those of the tasks. */
  routes?: object[];
  /** Metadata of the listener, which filters read. */
  metadata?: object;
  /** Port of the listener on 127.0.0.1; 0 takes a free one. */
  port?: number;
  /** Clusters beside those of the tasks, such as one to fetch keys from. */
  clusters?: object[];
  /** Bytes of a request's body that a filter may hold; default: Envoy's 1 MiB. */
  bodyBufferBytes?: number;
  /** Serves TLS: files of the certificate, its key, and the CA that callers' certificates must come from. */
  tls?: { certificate: string; key: string; clientCa: string };
  /** What one client may take; default: DEFAULT_PROTECTION. */
  protection?: Protection;
  /** What Envoy's heap may hold; default: no limit. */
  heapBytes?: number;
  /** `tracing` of the listener; see `tracing`. */
  tracing?: object;
  /** Envoy's node id. */
  node?: string;
}

export interface Bootstrap {
  static_resources: { listeners: object[]; clusters: object[] };
  [field: string]: unknown;
}

export interface WasmFilter {
  name: string;
  typed_config: { "@type": string; config: object };
}

export const WASM_TYPE = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/**
 * `http_protocol_options` of a gateway. A server may ignore an `Upgrade` (RFC 9110, section 7.8): Apache's
 * HttpClient asks for TLS over plain text in every request, and Envoy answers 403 to what it can't upgrade
 * to.
 */
export const HTTP1_OPTIONS = { ignore_http_11_upgrade: [{ prefix: "TLS/", ignore_case: true }] };

/** A Wasm filter of the chain, with its plug-in configuration. */
export function wasmFilter(name: string, modulePath: string, configuration: object, vmId = name): WasmFilter {
  return {
    name: `modelgate.${name}`,
    typed_config: {
      "@type": WASM_TYPE,
      config: {
        name,
        root_id: name,
        failure_policy: "FAIL_RELOAD",
        allow_on_headers_stop_iteration: true,
        reload_config: { backoff: { base_interval: "0.1s", max_interval: "1s" } },
        vm_config: {
          vm_id: vmId,
          runtime: "envoy.wasm.runtime.v8",
          code: { local: { filename: modulePath } },
        },
        configuration: {
          "@type": "type.googleapis.com/google.protobuf.StringValue",
          value: JSON.stringify(configuration),
        },
      },
    },
  };
}

/** The bootstrap of a local Envoy: one listener, one HTTP/2 cluster a task, everything on 127.0.0.1. */
export function bootstrap(options: BootstrapOptions): Bootstrap {
  return {
    node: { id: options.node ?? "modelgate", cluster: "modelgate" },
    admin: { address: socketAddress(0) },
    layered_runtime: { layers: [{ name: "protection", static_layer: PROTECTION_RUNTIME }] },
    ...(options.heapBytes !== undefined && { overload_manager: overloadManager(options.heapBytes) }),
    static_resources: {
      listeners: [listener(options)],
      clusters: [...options.tasks.map(cluster), ...(options.clusters ?? [])],
    },
  };
}

/** A cluster of one HTTP/1.1 server, such as the controller. */
export function httpCluster(name: string, port: number, host = "127.0.0.1"): object {
  return {
    name,
    type: "STRICT_DNS",
    connect_timeout: "1s",
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(port, host) } }] }],
    },
  };
}

function listener(options: BootstrapOptions): object {
  const {
    filters,
    accessLogs = [],
    localReplies,
    metadata,
    routes = [],
    tasks,
    port = 0,
    tls,
    bodyBufferBytes,
  } = options;
  const protection = options.protection ?? DEFAULT_PROTECTION;
  return {
    name: "gateway",
    address: socketAddress(port),
    ...(metadata && { metadata }),
    filter_chains: [
      {
        ...(tls && { transport_socket: downstreamTls(tls) }),
        filters: [
          connectionLimit(protection),
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type": HTTP_CONNECTION_MANAGER,
              stat_prefix: "gateway",
              access_log: accessLogs,
              ...(options.tracing && { tracing: options.tracing }),
              ...(localReplies && { local_reply_config: localReplies }),
              normalize_path: true,
              http_protocol_options: HTTP1_OPTIONS,
              ...httpProtection(protection),
              http2_protocol_options: http2Protection(protection),
              route_config: {
                // Where clusters are discovered, those of new routes may come later.
                validate_clusters: false,
                virtual_hosts: [
                  {
                    name: "tasks",
                    domains: ["*"],
                    ...(bodyBufferBytes !== undefined && { request_body_buffer_limit: bodyBufferBytes }),
                    routes: [...routes, ...tasks.map(route)],
                  },
                ],
              },
              http_filters: [
                ...filters,
                {
                  name: "envoy.filters.http.router",
                  typed_config: {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                  },
                },
              ],
            },
          },
        ],
      },
    ],
  };
}

function downstreamTls({ certificate, key, clientCa }: NonNullable<BootstrapOptions["tls"]>): object {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
      require_client_certificate: false,
      common_tls_context: {
        tls_certificates: [{ certificate_chain: { filename: certificate }, private_key: { filename: key } }],
        validation_context: { trusted_ca: { filename: clientCa } },
      },
    },
  };
}

/** The cluster of a task's model server. */
export function taskCluster(taskid: string): string {
  return `task-${taskid}`;
}

const DEFAULT_TIMEOUT_MS = 15_000;

function route({ taskid, timeoutMs = DEFAULT_TIMEOUT_MS, idleMs, removedHeaders }: TaskRoute): object {
  return {
    match: { prefix: "/", headers: [{ name: "taskid", string_match: { exact: taskid } }] },
    route: {
      cluster: taskCluster(taskid),
      timeout: `${timeoutMs / 1000}s`,
      ...(idleMs !== undefined && { idle_timeout: `${idleMs / 1000}s` }),
    },
    ...(removedHeaders && { request_headers_to_remove: removedHeaders }),
  };
}

/**
 * Idle connections to servers over HTTP/1.1 are closed after so long: before such a server does, which would
 * break the request that is sent just then. uvicorn (vLLM, SGLang) and llama.cpp's server wait for 5 s.
 */
export const HTTP1_IDLE = "4s";

function cluster({ taskid, host, port, http1 = false, maxRequestsPerConnection }: TaskRoute): object {
  return {
    name: taskCluster(taskid),
    type: "STRICT_DNS",
    connect_timeout: "1s",
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        common_http_protocol_options: {
          ...(http1 && { idle_timeout: HTTP1_IDLE }),
          ...(maxRequestsPerConnection !== undefined && {
            max_requests_per_connection: maxRequestsPerConnection,
          }),
        },
        explicit_http_config: http1 ? { http_protocol_options: {} } : { http2_protocol_options: {} },
      },
    },
    circuit_breakers: { thresholds: [NO_CIRCUIT_BREAKER] },
    load_assignment: {
      cluster_name: taskCluster(taskid),
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(port, host) } }] }],
    },
  };
}

/** As Istio's clusters have it: limits are the filters' business. */
const MOST = 4_294_967_295;
const NO_CIRCUIT_BREAKER = {
  max_connections: MOST,
  max_pending_requests: MOST,
  max_requests: MOST,
  max_retries: MOST,
};

function socketAddress(port: number, host = "127.0.0.1"): object {
  return { socket_address: { address: host, port_value: port } };
}
