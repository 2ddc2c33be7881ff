import { fileURLToPath } from "node:url";
import { loadSync } from "@grpc/proto-loader";
import descriptor from "protobufjs/ext/descriptor/index.js";

/** Envoy's native filters, configured to do what ours do. */

/** @param tenantHeader a header that names the tenant `bench`, whose keys they are, for filters behind */
export function apiKeyAuth(keys: string[], tenantHeader?: string): object {
  return {
    name: "envoy.filters.http.api_key_auth",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth",
      credentials: keys.map((key, i) => ({ key, client: tenantHeader ? "bench" : `client-${i}` })),
      key_sources: [{ header: "x-api-key" }],
      forwarding: { hide_credentials: true, ...(tenantHeader && { header: tenantHeader }) },
    },
  };
}

/** Lets the tenant `bench`, named by a header, call one task. */
export function rbacByTask(tenantHeader: string, taskid: string): object {
  const header = (name: string, exact: string) => ({ header: { name, string_match: { exact } } });
  return {
    name: "envoy.filters.http.rbac",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
      rules: {
        action: "ALLOW",
        policies: {
          bench: { permissions: [header("taskid", taskid)], principals: [header(tenantHeader, "bench")] },
        },
      },
    },
  };
}

export function jwtAuthn(issuer: string, audiences: string[], jwks: object, cached: boolean): object {
  return {
    name: "envoy.filters.http.jwt_authn",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
      providers: {
        bench: {
          issuer,
          audiences,
          local_jwks: { inline_string: JSON.stringify(jwks) },
          ...(cached && { jwt_cache_config: { jwt_cache_size: 1000 } }),
        },
      },
      rules: [{ match: { prefix: "/" }, requires: { provider_name: "bench" } }],
    },
  };
}

export function localRateLimit(requestsPerSecond: number): object {
  return {
    name: "envoy.filters.http.local_ratelimit",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
      stat_prefix: "limit",
      token_bucket: {
        max_tokens: requestsPerSecond,
        tokens_per_fill: requestsPerSecond,
        fill_interval: "1s",
      },
      filter_enabled: { default_value: { numerator: 100 } },
      filter_enforced: { default_value: { numerator: 100 } },
    },
  };
}

/** A bucket for each value of the header `taskid`. */
export function localRateLimitByTask(taskids: string[], requestsPerSecond: number): object {
  const token_bucket = {
    max_tokens: requestsPerSecond,
    tokens_per_fill: requestsPerSecond,
    fill_interval: "1s",
  };
  const { name, typed_config } = localRateLimit(requestsPerSecond) as { name: string; typed_config: object };
  return {
    name,
    typed_config: {
      ...typed_config,
      rate_limits: [{ actions: [{ request_headers: { header_name: "taskid", descriptor_key: "taskid" } }] }],
      always_consume_default_token_bucket: false,
      descriptors: taskids.map((value) => ({ entries: [{ key: "taskid", value }], token_bucket })),
    },
  };
}

/** Sets the header `taskid` to the path, so that a load with many paths is one of many tasks. */
export function taskidFromPath(): object {
  return {
    name: "envoy.filters.http.header_mutation",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
      mutations: {
        request_mutations: [
          {
            append: {
              header: { key: "taskid", value: "%REQ(:PATH)%" },
              append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
            },
          },
        ],
      },
    },
  };
}

/** What Envoy's own formatters can say of the fields of our log. */
const LOG_FIELDS = {
  start_time: "%START_TIME%",
  duration: "%DURATION%",
  protocol: "%PROTOCOL%",
  response_code: "%RESPONSE_CODE%",
  response_flags: "%RESPONSE_FLAGS%",
  grpc_status: "%GRPC_STATUS%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  downstream_local_address: "%DOWNSTREAM_LOCAL_ADDRESS%",
  downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%",
  upstream_host: "%UPSTREAM_HOST%",
  hostname: "%HOSTNAME%",
  authority: "%REQ(:AUTHORITY)%",
  method: "%REQ(:METHOD)%",
  path: "%REQ(:PATH)%",
  user_agent: "%REQ(USER-AGENT)%",
  request_id: "%REQ(X-REQUEST-ID)%",
  taskid: "%REQ(TASKID)%",
  version: "%REQ(VERSION)%",
};

/** Names of the fields that Envoy's own logs have here. */
export const NATIVE_LOG_FIELDS = Object.keys(LOG_FIELDS) as (keyof typeof LOG_FIELDS)[];

export function jsonAccessLog(path: string): object {
  return fileLog(path, { json_format: LOG_FIELDS });
}

/** Istio's default format (pilot/pkg/model/telemetry_logging.go, `EnvoyTextLogFormat`). */
export function istioTextAccessLog(path: string): object {
  const inline_string =
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
    '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% ' +
    '%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" ' +
    '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% ' +
    "%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";
  return fileLog(path, { text_format_source: { inline_string } });
}

function fileLog(path: string, log_format: object): object {
  return {
    name: "envoy.access_loggers.file",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
      path,
      log_format,
    },
  };
}

/** OpenTelemetry logs to a cluster, the fields as attributes. */
export function otlpAccessLog(cluster: string): object {
  const values = Object.entries(LOG_FIELDS).map(([key, string_value]) => ({ key, value: { string_value } }));
  return {
    name: "envoy.access_loggers.open_telemetry",
    typed_config: {
      "@type":
        "type.googleapis.com/envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig",
      common_config: grpcLog(cluster),
      attributes: { values },
    },
  };
}

/** Envoy's gRPC access log service, whose fields are its own. */
export function grpcAccessLog(cluster: string): object {
  return {
    name: "envoy.access_loggers.http_grpc",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig",
      common_config: grpcLog(cluster),
      additional_request_headers_to_log: ["taskid", "version"],
    },
  };
}

function grpcLog(cluster_name: string): object {
  return {
    log_name: "bench",
    transport_api_version: "V3",
    grpc_service: { envoy_grpc: { cluster_name } },
  };
}

export function grpcJsonTranscoder(): object {
  return {
    name: "envoy.filters.http.grpc_json_transcoder",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
      proto_descriptor_bin: Buffer.from(fileDescriptorSet("inference.ModelInferRequest")).toString("base64"),
      services: ["inference.GRPCInferenceService"],
      auto_mapping: true,
    },
  };
}

interface MessageDescriptor {
  name: string;
  field: { typeName?: string }[];
  nestedType: MessageDescriptor[];
  options?: { mapEntry?: boolean } | null;
}

/** A google.protobuf.FileDescriptorSet with the one file that a message type comes from. */
function fileDescriptorSet(type: string): Uint8Array {
  const source = fileURLToPath(new URL("../../proto/open_inference.proto", import.meta.url));
  const { fileDescriptorProtos } = loadSync(source)[type] as { fileDescriptorProtos: Buffer[] };
  const files = fileDescriptorProtos.map((bytes) => descriptor.FileDescriptorProto.decode(bytes));
  for (const file of files) for (const message of messagesOf(file)) nameMapEntries(message);
  return descriptor.FileDescriptorSet.encode({ file: files } as never).finish();
}

function messagesOf(file: unknown): MessageDescriptor[] {
  return (file as { messageType: MessageDescriptor[] }).messageType;
}

/** protobufjs names the entry type of the map `parameters` "Parameters"; protobuf wants "ParametersEntry". */
function nameMapEntries(message: MessageDescriptor): void {
  for (const nested of message.nestedType) {
    nameMapEntries(nested);
    if (!nested.options?.mapEntry) continue;
    for (const field of message.field) if (field.typeName === nested.name) field.typeName += "Entry";
    nested.name += "Entry";
  }
}
