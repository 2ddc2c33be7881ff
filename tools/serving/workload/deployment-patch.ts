import { API_VERSION, durationMilliseconds } from "../../api/fields.ts";
import type { ModelTask } from "../../api/model-task.ts";
import { namespaceOf } from "../../cluster/istio/names.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { servingPort } from "../warmup/specification.ts";
import { deploymentOf } from "./autoscaling.ts";
import { computeThreads, resourcesOf } from "./placement.ts";

/** Port of the sidecar. */
const SIDECAR_PORT = 8867;
const SIDECAR = "modelgate-warmup";
const SIDECAR_CPU = "100m";
/** Where it is a limit too: starting takes most of a second of a core, which must not take ten. */
const SIDECAR_CPU_LIMIT = "250m";
/** Once it has started, and while it sends requests of megabytes. */
const SIDECAR_IDLE_MEMORY = "192Mi";
const SIDECAR_MEMORY = "512Mi";
/** Time for the processes themselves to end, after the drain. */
const EXIT_SECONDS = 5;

interface PatchOptions {
  /** Image of the command `modelgate`. */
  image: string;
  /** Where the sidecar asks the gateways whether they still use the replica: `host:port`. */
  gatewayService?: string | undefined;
}

/**
 * What a task's Deployment needs to start and stop without loss, as a strategic merge patch: a sidecar that
 * warms the model server up, the probes and the preStop hook that it answers, the grace period that the drain
 * needs, and the cores that `placement` says.
 *
 * The sidecar is a native one (an init container that restarts, Kubernetes 1.29 and later): it is there
 * before the model server and ends after it.
 */
export function deploymentPatch(task: ModelTask, options: PatchOptions): Manifest {
  const { workload, placement } = task.spec;
  // In the place of what the Deployment has: with a handler of another type the API server would refuse both.
  const probe = (path: string) => ({ $patch: "replace", httpGet: { path, port: SIDECAR_PORT } });
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: deploymentOf(task), namespace: namespaceOf(task.metadata) },
    spec: {
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } },
      template: {
        spec: {
          terminationGracePeriodSeconds: gracePeriodSeconds(task),
          initContainers: [sidecar(task, options)],
          containers: [
            {
              name: workload.container,
              startupProbe: {
                ...probe("/startupz"),
                periodSeconds: 1,
                failureThreshold: startupSeconds(task),
              },
              readinessProbe: { ...probe("/readyz"), periodSeconds: 1, failureThreshold: 1 },
              lifecycle: { preStop: probe("/drain") },
              ...(placement && { resources: resourcesOf(placement), env: computeThreads(placement) }),
            },
          ],
        },
      },
    },
  };
}

/** Seconds within which a replica that is told to end has drained at the latest, and ended. */
export function gracePeriodSeconds({ spec: { drain, timeout } }: ModelTask): number {
  const { endpointTimeout, requestTimeout = timeout } = drain;
  const wait = durationMilliseconds(endpointTimeout) + durationMilliseconds(requestTimeout);
  return Math.ceil(wait / 1000) + EXIT_SECONDS;
}

/** The sidecar tries again after a warm-up that failed, so the probe gives up with the first one. */
function startupSeconds({ spec: { warmUp } }: ModelTask): number {
  return Math.ceil(durationMilliseconds(warmUp.timeout) / 1000) + 1;
}

function sidecar(task: ModelTask, { image, gatewayService }: PatchOptions): object {
  // Guaranteed quality of service needs requests that equal limits in every container.
  const limits = task.spec.placement
    ? { cpu: SIDECAR_CPU_LIMIT, memory: SIDECAR_MEMORY }
    : { memory: SIDECAR_MEMORY };
  const requests = task.spec.placement ? limits : { cpu: SIDECAR_CPU, memory: SIDECAR_IDLE_MEMORY };
  return {
    name: SIDECAR,
    image,
    restartPolicy: "Always",
    args: [
      ...["warmup", "--serve", `:${SIDECAR_PORT}`, "--address", `127.0.0.1:${servingPort(task)}`],
      ...(gatewayService === undefined ? [] : ["--gateway-service", gatewayService]),
      ...["--inline", JSON.stringify(essence(task))],
    ],
    env: [{ name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }],
    ports: [{ name: "warmup", containerPort: SIDECAR_PORT, protocol: "TCP" }],
    resources: { requests, limits },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: 10_001,
    },
  };
}

/** Of the ModelTask what the sidecar goes by, so that other changes of it restart no pod. */
function essence({ metadata, spec }: ModelTask): object {
  const { taskid, tenant, service, timeout, warmUp, drain, workload, conversion, protocol, openai } = spec;
  const { duration: _, ...ownWarmUp } = warmUp;
  return {
    ...{ apiVersion: API_VERSION, kind: "ModelTask", metadata: { name: metadata.name } },
    spec: {
      ...{ taskid, tenant, service, timeout, warmUp: ownWarmUp, drain, workload },
      conversion: { protocol: conversion.protocol },
      ...(protocol === "openai" && {
        protocol,
        ...(openai && { openai: { server: openai.server, basePath: openai.basePath } }),
      }),
    },
  };
}
