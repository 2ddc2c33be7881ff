import { GENAI_ATTRIBUTES } from "../access-log/genai.ts";

/**
 * Where spans go: an OTLP/HTTP receiver, such as an OpenTelemetry collector, that Envoy has a cluster for.
 */
interface TracingOptions {
  cluster: string;
  /** Host and port, for the receiver's virtual hosts. */
  authority: string;
  /** Percent of the requests whose callers brought no decision of their own, 0 to 100. */
  percent: number;
  tenant?: string;
}

/** What the filter tells of a call to a language model: filters/rate-limit/tokens/tell-span.ts. */
const SPAN_FIELDS = Object.keys(GENAI_ATTRIBUTES).filter(
  (field) => field !== "token_type",
) as (keyof typeof GENAI_ATTRIBUTES)[];

/** Of a request to the receiver. */
const TIMEOUT = "1s";

/**
 * `tracing` of an HTTP connection manager: Envoy's OpenTelemetry tracer, which reads and writes the W3C trace
 * context. The filter's decision is in the span's attributes: `modelgate.passed` where it let the request
 * through, and in `modelgate.details` the reason of a refusal, else what Envoy has to say of the answer.
 * `modelgate.task` is there of what was refused: a task's route takes the header away, and
 * `upstream_cluster.name` says which one it was.
 */
export function tracing({ cluster, authority, percent, tenant }: TracingOptions): object {
  return {
    random_sampling: { value: percent },
    spawn_upstream_span: true,
    custom_tags: [
      ...(tenant === undefined ? [] : [{ tag: "modelgate.tenant", literal: { value: tenant } }]),
      { tag: "modelgate.task", request_header: { name: "taskid" } },
      { tag: "modelgate.version", request_header: { name: "version" } },
      { tag: "modelgate.passed", value: "%FILTER_STATE(wasm.modelgate.passed:PLAIN)%" },
      { tag: "modelgate.details", value: "%RESPONSE_CODE_DETAILS%" },
      ...SPAN_FIELDS.map((field) => ({
        tag: GENAI_ATTRIBUTES[field],
        value: `%FILTER_STATE(wasm.modelgate.span.${field}:PLAIN)%`,
      })),
    ],
    provider: {
      name: "envoy.tracers.opentelemetry",
      typed_config: {
        "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
        service_name: "modelgate-gateway",
        http_service: {
          http_uri: { uri: `http://${authority}/v1/traces`, cluster, timeout: TIMEOUT },
        },
      },
    },
  };
}
