import { durationMilliseconds } from "../../api/fields.ts";
import { type ModelTask, passesOpenAi } from "../../api/model-task.ts";
import { outlierDetection } from "../../api/replica-choice.ts";
import { HTTP1_IDLE } from "../../lib/envoy/bootstrap.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { NETWORKING, namespaceOf, owned, serviceHost, subsetName } from "./names.ts";

/** Without it Istio prefers no zone: Envoy could not tell when to go to another. */
const OUTLIER_DETECTION = outlierDetection.parse({});

/** How Envoy chooses and treats the replicas of a task, and which of them are which version. */
export function destinationRule(task: ModelTask): Manifest {
  const { spec, metadata } = task;
  const ejection = spec.outlierDetection ?? (spec.loadBalancing.locality ? OUTLIER_DETECTION : undefined);
  return {
    apiVersion: NETWORKING,
    kind: "DestinationRule",
    metadata: owned(spec.tenant, metadata.name, namespaceOf(metadata)),
    spec: {
      host: serviceHost(task),
      trafficPolicy: {
        loadBalancer: loadBalancer(task),
        connectionPool: connectionPool(task),
        ...(ejection && {
          outlierDetection: {
            consecutive5xxErrors: ejection.consecutiveErrors,
            interval: ejection.interval,
            baseEjectionTime: ejection.baseEjectionTime,
            maxEjectionPercent: Math.round(ejection.maxEjectionPercent),
          },
        }),
      },
      ...(spec.versions.length > 0 && {
        subsets: spec.versions.map(({ name, labels }) => ({
          name: subsetName(name),
          labels: labels ?? { version: name },
        })),
      }),
    },
  };
}

/** Envoy warms up replicas under LEAST_REQUEST and ROUND_ROBIN only. */
function loadBalancer({ spec: { loadBalancing, warmUp } }: ModelTask): object {
  const warms = loadBalancing.policy !== "RANDOM" && durationMilliseconds(warmUp.duration) >= 1;
  return {
    simple: loadBalancing.policy,
    localityLbSetting: { enabled: loadBalancing.locality },
    ...(warms && { warmup: { duration: warmUp.duration } }),
  };
}

/**
 * A model server speaks gRPC unless its task is not converted, or a language model over HTTP; Envoy must not
 * speak HTTP/1.1 to it.
 */
function connectionPool({ spec }: ModelTask): object {
  const { connectionPool = {}, conversion } = spec;
  const speaksHttp1 = conversion.protocol === "none" || passesOpenAi(spec);
  const { maxConnections, maxPendingRequests, maxRequestsPerConnection } = connectionPool;
  return {
    ...(maxConnections !== undefined && { tcp: { maxConnections } }),
    http: {
      h2UpgradePolicy: speaksHttp1 ? "DO_NOT_UPGRADE" : "UPGRADE",
      ...(speaksHttp1 && { idleTimeout: HTTP1_IDLE }),
      ...(maxPendingRequests !== undefined && { http1MaxPendingRequests: maxPendingRequests }),
      ...(maxRequestsPerConnection !== undefined && { maxRequestsPerConnection }),
    },
  };
}
