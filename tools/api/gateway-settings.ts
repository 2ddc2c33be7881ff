import { z } from "zod";
import { accessLogSettings } from "./access-log-settings.ts";
import { dnsName, duration, durationMilliseconds, imageByDigest, quantity } from "./fields.ts";
import { withRules } from "./rules.ts";

const MIB = 1024 * 1024;

const quantities = z.strictObject({ cpu: quantity().optional(), memory: quantity().optional() });

/** The filter that a gateway runs. */
export const gatewayFilter = z.strictObject({
  image: imageByDigest("oci://registry.example/modelgate/gateway")
    .optional()
    .describe("Image by digest. Default: --image of the command, else what the gateway runs already."),
  pullSecret: dnsName()
    .optional()
    .describe(
      "Secret (kubernetes.io/dockerconfigjson) in the gateway's namespace with the registry's credentials, for the filter and for converters.",
    ),
  failStrategy: z
    .enum(["FAIL_RELOAD", "FAIL_CLOSE", "FAIL_OPEN"])
    .default("FAIL_RELOAD")
    .describe(
      "When the filter traps: FAIL_RELOAD refuses requests until it is started anew, FAIL_CLOSE refuses them for good, FAIL_OPEN lets them through unchecked. Default: FAIL_RELOAD.",
    ),
  priority: z
    .int()
    .min(-1000)
    .max(1000)
    .default(100)
    .describe("Place among the WasmPlugins of the phase AUTHN; the highest runs first. Default: 100."),
});

/** The gateway's pods. */
export const gatewayDeployment = withRules(
  z.strictObject({
    minReplicas: z.int().min(1).max(1000).default(2).describe("Minimum number of pods. Default: 2."),
    maxReplicas: z.int().min(1).max(1000).default(10).describe("Maximum number of pods. Default: 10."),
    cpuUtilizationPercent: z
      .int()
      .min(1)
      .max(100)
      .default(70)
      .describe("CPU utilization that autoscaling aims at. Default: 70."),
    requests: quantities
      .default({ cpu: "1", memory: "1Gi" })
      .describe("Resource requests of each pod. Default: 1 CPU, 1Gi."),
    limits: quantities
      .default({ memory: "2Gi" })
      .describe("Resource limits of each pod. Default: 2Gi of memory."),
    serviceType: z
      .enum(["LoadBalancer", "ClusterIP", "NodePort"])
      .default("LoadBalancer")
      .describe("Type of the gateway's Service. Default: LoadBalancer."),
    serviceAnnotations: z
      .record(z.string(), z.string())
      .default({})
      .describe("Annotations of the Service, such as those of a cloud's load balancer. Default: none."),
    drain: duration()
      .default("15s")
      .describe(
        "A stopping pod still takes requests for this time, while its endpoint is removed. Default: 15s.",
      ),
    terminationGracePeriod: duration()
      .optional()
      .describe(
        "A stopping pod is ended after this time. Default: drain, the longest timeout of the tenant's tasks (15s at least), and 10s.",
      ),
  }),
  [
    {
      // preStop's sleep is part of the grace period: the API server takes no Deployment whose sleep is
      // longer.
      holds: ({ drain, terminationGracePeriod }) =>
        terminationGracePeriod === undefined ||
        durationMilliseconds(terminationGracePeriod) > durationMilliseconds(drain),
      cel: "!has(self.terminationGracePeriod) || duration(self.terminationGracePeriod) > duration(has(self.drain) ? self.drain : '15s')",
      message: "must be longer than drain, which is part of it",
      path: ["terminationGracePeriod"],
    },
  ],
);

const tracing = z.strictObject({
  namespace: dnsName().describe("Namespace of the receiver's Service."),
  service: dnsName().describe("Name of the receiver's Service."),
  port: z.int().min(1).max(65535).default(4318).describe("Its port for OTLP over HTTP. Default: 4318."),
  percent: z
    .number()
    .min(0)
    .max(100)
    .default(1)
    .describe(
      "Percent of the requests that are traced where the caller brings no trace context. Default: 1.",
    ),
});

/** Envoy settings for which Istio has no field. */
export const gatewayTuning = z.strictObject({
  stats: z
    .boolean()
    .default(false)
    .describe(
      "Keep Istio's stats and gRPC stats filters, all of Envoy's stats, and the pods' metrics ports open. Default: false: the access log has the metrics.",
    ),
  accessLog: accessLogSettings.prefault({}).describe("Where the access log goes and which fields it has."),
  tracing: tracing
    .optional()
    .describe(
      "Send spans by OTLP/HTTP to an OpenTelemetry collector in the mesh, with the filter's decision, and hand the W3C trace context on. Default: no spans; a caller's trace context is handed on as it came. Leave Istio's own tracing off for the gateway.",
    ),
  bufferBytes: z
    .int()
    .min(16_384)
    .max(64 * MIB)
    .default(MIB)
    .describe("Bytes that a connection buffers before Envoy holds the sender back. Default: 1 MiB."),
  streamWindowBytes: z
    .int()
    .min(65_535)
    .max(2_147_483_647)
    .default(16 * MIB)
    .describe("HTTP/2 window of a stream, for large bodies. Default: 16 MiB."),
  connectionWindowBytes: z
    .int()
    .min(65_535)
    .max(2_147_483_647)
    .default(32 * MIB)
    .describe("HTTP/2 window of a connection. Default: 32 MiB."),
});
