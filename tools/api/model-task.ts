import { z } from "zod";
import { conversion } from "./conversion.ts";
import { cors } from "./cors.ts";
import {
  API_VERSION,
  dnsLabel,
  durationMilliseconds,
  headerName,
  ownMode,
  percent,
  podLabels,
  port,
  positiveDuration,
  taskid,
  tenantName,
  version,
} from "./fields.ts";
import { openai } from "./language-model.ts";
import { taskLimits } from "./limits.ts";
import { metadata, status } from "./metadata.ts";
import { connectionPool, loadBalancing, outlierDetection, retries } from "./replica-choice.ts";
import { withRules } from "./rules.ts";
import { autoscaling, placement } from "./scaling.ts";
import { forwardedHeaders, stream } from "./traffic.ts";
import { drain, warmUp, workload } from "./warm-up.ts";

const versionEntry = z.strictObject({
  name: version().describe("Value of the header `version`; also the name of the Istio subset."),
  labels: podLabels().optional().describe("Labels of this version's pods. Default: `version: <name>`."),
  weight: percent().optional().describe("Percent of the requests that name no version. Weights sum to 100."),
});

const modelTaskSpec = withRules(
  z.strictObject({
    taskid: taskid().describe("Value of the header `taskid`, unique in the cluster. Quote numbers."),
    tenant: tenantName().describe("The Tenant that owns the task."),
    service: z
      .strictObject({
        name: dnsLabel().describe("Kubernetes Service in the task's namespace."),
        port: port().default(8866).describe("Port of the Service. Default: 8866."),
        targetPort: port()
          .optional()
          .describe(
            "Port of the pods, for the Services that the Gateway API needs for each version. Default: that of the Service.",
          ),
      })
      .describe("Where the model is served."),
    versions: z
      .array(versionEntry)
      .max(64)
      .default([])
      .describe("Versions for grey release and A/B. Default: one."),
    limits: taskLimits.optional().describe("Limits of the task. Default: none."),
    timeout: positiveDuration()
      .default("15s")
      .describe("Timeout of a request, including retries. Default: 15s."),
    stream: stream.prefault({}).describe("Streams of replies, which `timeout` does not cut."),
    retries: retries.prefault({}).describe("Retries of failed requests."),
    forwardHeaders: forwardedHeaders
      .default([])
      .describe(
        "Headers of callers that the model server gets although the gateway keeps them back: cookie, taskid, x-envoy-original-path. Default: none.",
      )
      .meta({ "x-kubernetes-list-type": "set" }),
    protocol: z
      .enum(["openInference", "tensorflowServing", "openai"])
      .optional()
      .describe(
        "What callers speak: openai is the API of language models, where `model` in the body names the task. Default: the REST of `conversion.protocol`.",
      ),
    openai: openai
      .optional()
      .describe("The language model of a task with `protocol: openai`. Default: all of its defaults."),
    conversion: conversion.prefault({}).describe("HTTP/JSON to the model server's gRPC and back."),
    warmUp: warmUp.prefault({}).describe("How new replicas get their first traffic."),
    drain: drain.prefault({}).describe("How replicas stop without losing requests."),
    workload: workload.prefault({}).describe("The model server's Deployment."),
    placement: placement
      .optional()
      .describe("Cores and memory of a replica. Default: as its Deployment says."),
    autoscaling: autoscaling.optional().describe("How many replicas run. Default: as its Deployment says."),
    loadBalancing: loadBalancing.prefault({}).describe("How gateways choose a replica."),
    outlierDetection: outlierDetection
      .optional()
      .describe("Circuit breaking of single replicas. Default: off."),
    connectionPool: connectionPool.optional().describe("Limits of connections to the replicas."),
    matches: z
      .array(
        z.strictObject({
          header: headerName().describe("Name of the header."),
          exact: z.string().min(1).max(1024).optional().describe("Exact value of the header."),
          prefix: z.string().min(1).max(1024).optional().describe("Prefix of the header's value."),
          version: version().describe("Version that these requests go to."),
        }),
      )
      .max(64)
      .default([])
      .describe("A/B tests: requests with a header go to a version; the first match wins."),
    mirror: z
      .strictObject({
        version: version().describe("Version that gets copies of the requests; its replies are dropped."),
        percent: percent().default(100).describe("Percentage of the requests to copy. Default: 100."),
      })
      .optional()
      .describe("Shadow traffic. Default: none."),
    fault: z
      .strictObject({
        delay: z
          .strictObject({ duration: positiveDuration(), percent: percent() })
          .optional()
          .describe("Delay requests."),
        abort: z
          .strictObject({ status: z.int().min(200).max(599), percent: percent() })
          .optional()
          .describe("Answer with an HTTP status instead of the model."),
      })
      .optional()
      .describe("Faults injected for tests. Default: none."),
    cors: cors
      .optional()
      .describe("Pages of other origins that may call the task. Default: as the tenant's `cors` says."),
    mode: ownMode(),
  }),
  [
    {
      holds: ({ versions }) =>
        versions.every(({ weight }) => weight === undefined) || Math.abs(weightOf(versions) - 100) < 1e-6,
      found: ({ versions }) => `and sum to ${Number(weightOf(versions).toFixed(9))}`,
      cel: "!has(self.versions) || !self.versions.exists(v, has(v.weight)) || (self.versions.map(v, has(v.weight) ? double(v.weight) : 0.0).sum() > 99.999999 && self.versions.map(v, has(v.weight) ? double(v.weight) : 0.0).sum() < 100.000001)",
      message: "weights must sum to 100",
      path: ["versions"],
    },
    {
      holds: ({ protocol, openai }) => openai === undefined || protocol === "openai",
      cel: "!has(self.openai) || (has(self.protocol) && self.protocol == 'openai')",
      message: "is for protocol: openai",
      path: ["openai"],
    },
    {
      holds: ({ protocol, conversion }) =>
        protocol === undefined || protocol === "openai" || protocol === conversion.protocol,
      cel: "!has(self.protocol) || self.protocol == 'openai' || self.protocol == (has(self.conversion) && has(self.conversion.protocol) ? self.conversion.protocol : 'openInference')",
      message: "must be that of conversion.protocol, or openai",
      path: ["protocol"],
    },
    {
      holds: (spec) => !passesOpenAi(spec) || spec.conversion.converter === undefined,
      cel: "!has(self.protocol) || self.protocol != 'openai' || (has(self.openai) && has(self.openai.server) && self.openai.server == 'openInference') || !has(self.conversion) || !has(self.conversion.converter)",
      message: "has no use where bodies pass to a model server that speaks openai",
      path: ["conversion", "converter"],
    },
    {
      holds: ({ forwardHeaders }) => new Set(forwardHeaders).size === forwardHeaders.length,
      message: "must not hold a header twice",
      path: ["forwardHeaders"],
    },
    {
      holds: ({ autoscaling, limits }) => autoscaling === undefined || limits !== undefined,
      cel: "!has(self.autoscaling) || has(self.limits)",
      message: "needs limits: gateways count the requests in flight of tasks that have some",
      path: ["autoscaling"],
    },
    {
      holds: ({ autoscaling, limits }) =>
        autoscaling === undefined ||
        autoscaling.inFlightPerReplica !== undefined ||
        limits?.maxInFlightPerReplica !== undefined,
      cel: "!has(self.autoscaling) || has(self.autoscaling.inFlightPerReplica) || (has(self.limits) && has(self.limits.maxInFlightPerReplica))",
      message: "needs autoscaling.inFlightPerReplica or limits.maxInFlightPerReplica",
      path: ["autoscaling", "inFlightPerReplica"],
    },
    {
      holds: ({ autoscaling }) =>
        autoscaling === undefined || autoscaling.minReplicas <= autoscaling.maxReplicas,
      cel: "!has(self.autoscaling) || (has(self.autoscaling.minReplicas) ? self.autoscaling.minReplicas : 2) <= self.autoscaling.maxReplicas",
      message: "must not be below minReplicas",
      path: ["autoscaling", "maxReplicas"],
    },
  ],
);

function weightOf(versions: { weight?: number | undefined }[]): number {
  return versions.reduce((sum, { weight = 0 }) => sum + weight, 0);
}

/** A served model behind one Kubernetes Service. Namespaced. */
export const modelTask = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("ModelTask"),
  metadata,
  spec: modelTaskSpec,
  status,
});

export type ModelTask = z.output<typeof modelTask>;

/** Do OpenAI's bodies pass to the model server as they are? */
export function passesOpenAi({
  protocol,
  openai,
}: {
  protocol?: string | undefined;
  openai?: { server: string } | undefined;
}): boolean {
  return protocol === "openai" && (openai?.server ?? "openai") === "openai";
}

/** Names that callers may write in `model`; none where the task is no language model. */
export function modelNames({ spec }: ModelTask): string[] {
  if (spec.protocol !== "openai") return [];
  const names = spec.openai?.models ?? [];
  return names.length > 0 ? names : [spec.taskid];
}

/** Does the task's own converter run as a filter of its own, behind the gateway's? */
export function hasConverter({ spec }: ModelTask): boolean {
  return spec.conversion.converter !== undefined;
}

/** Milliseconds for which a request of the task may be silent; undefined: as the gateway says. */
export function idleMilliseconds({ spec: { stream, timeout } }: ModelTask): number | undefined {
  if (stream.idleTimeout === undefined) return undefined;
  return Math.max(durationMilliseconds(stream.idleTimeout), durationMilliseconds(timeout));
}

/** Longest silence that the tasks ask for, in milliseconds. */
export function longestSilenceMilliseconds(tasks: ModelTask[]): number {
  return tasks.reduce(
    (longest, task) =>
      Math.max(longest, idleMilliseconds(task) ?? 0, durationMilliseconds(task.spec.timeout)),
    0,
  );
}
