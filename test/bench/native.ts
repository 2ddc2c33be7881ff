import { protos } from "../../tools/model-server/server.ts";

/** Envoy's native filters, configured to do what ours do. */

export function apiKeyAuth(keys: string[]): object {
  return {
    name: "envoy.filters.http.api_key_auth",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth",
      credentials: keys.map((key, i) => ({ key, client: `client-${i}` })),
      key_sources: [{ header: "x-api-key" }],
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

export function jsonAccessLog(path: string): object {
  const fields = {
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
  return {
    name: "envoy.access_loggers.file",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
      path,
      log_format: { json_format: fields },
    },
  };
}

export function grpcJsonTranscoder(): object {
  return {
    name: "envoy.filters.http.grpc_json_transcoder",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
      proto_descriptor_bin: fileDescriptorSet("inference.ModelInferRequest").toString("base64"),
      services: ["inference.GRPCInferenceService"],
      auto_mapping: true,
    },
  };
}

/** A google.protobuf.FileDescriptorSet with the files that a message type comes from. */
function fileDescriptorSet(type: string): Buffer {
  const { fileDescriptorProtos } = protos[type] as unknown as { fileDescriptorProtos: Buffer[] };
  return Buffer.concat(fileDescriptorProtos.flatMap((file) => [Buffer.of(0x0a), varint(file.length), file]));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return Buffer.of(...bytes, value);
}
