import { durationMilliseconds } from "../../api/fields.ts";
import type { ModelTask } from "../../api/model-task.ts";
import { namespaceOf } from "../../cluster/istio/names.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";

/** Metric of the controller, and the external metric that the Prometheus adapter makes of it. */
const IN_FLIGHT_METRIC = "modelgate_controller_requests_in_flight";
/**
 * Share of the in-flight cap that replicas are meant to have: the rest is room for the time that a new
 * replica takes.
 */
const SHARE_OF_CAP = 0.8;
/** Time between two steps up. */
const SCALE_UP_PERIOD_SECONDS = 15;

type Scaled = ModelTask & { spec: { autoscaling: NonNullable<ModelTask["spec"]["autoscaling"]> } };

export function isScaled(task: ModelTask): task is Scaled {
  return task.spec.autoscaling !== undefined;
}

/** What the selector of an external metric can hold, as the value of a label. */
const LABEL_VALUE = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/**
 * Scales a task's Deployment by requests in flight, from the external metrics API: see manifests/autoscaling.
 * @throws Error for a task id that no label can hold
 */
export function horizontalPodAutoscaler(task: Scaled): Manifest {
  const { autoscaling, taskid } = task.spec;
  if (!LABEL_VALUE.test(taskid))
    throw new Error(
      `ModelTask ${task.metadata.name}: a HorizontalPodAutoscaler cannot select the task id ${taskid} (63 characters at most, no ~): render --target keda`,
    );
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: metadataOf(task),
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deploymentOf(task) },
      minReplicas: autoscaling.minReplicas,
      maxReplicas: autoscaling.maxReplicas,
      metrics: [
        {
          type: "External",
          external: {
            metric: { name: IN_FLIGHT_METRIC, selector: { matchLabels: { kind: "tasks", name: taskid } } },
            target: { type: "AverageValue", averageValue: quantity(inFlightPerReplica(task)) },
          },
        },
      ],
      behavior: behavior(task),
    },
  };
}

/**
 * Without the labels of a tenant's objects: it is its Deployment's owner who applies it, and the controller
 * and `apply --prune` delete what has those labels and is not theirs.
 */
function metadataOf(task: ModelTask): Manifest["metadata"] {
  return { name: deploymentOf(task), namespace: namespaceOf(task.metadata) };
}

/** The same for KEDA, which asks Prometheus itself. @param prometheus URL of its API */
export function scaledObject(task: Scaled, prometheus: string): Manifest {
  const { autoscaling, taskid } = task.spec;
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: metadataOf(task),
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deploymentOf(task) },
      pollingInterval: SCALE_UP_PERIOD_SECONDS,
      minReplicaCount: autoscaling.minReplicas,
      maxReplicaCount: autoscaling.maxReplicas,
      fallback: {
        failureThreshold: 4,
        replicas: autoscaling.minReplicas,
        behavior: "currentReplicasIfHigher",
      },
      advanced: { horizontalPodAutoscalerConfig: { behavior: behavior(task) } },
      triggers: [
        {
          type: "prometheus",
          metricType: "AverageValue",
          metadata: {
            serverAddress: prometheus,
            // Summed first: after a change of leaders both have series within the minute.
            query: `avg_over_time(sum(${IN_FLIGHT_METRIC}{kind="tasks",name="${taskid}"})[1m:5s])`,
            threshold: String(inFlightPerReplica(task)),
            ignoreNullValues: "false",
          },
        },
      ],
    },
  };
}

/**
 * Up fast, down slowly: a new replica has to load its model and warm up, so one too few costs more than one
 * too many.
 */
function behavior({ spec: { autoscaling } }: Scaled): object {
  return {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: "Max",
      policies: [
        { type: "Percent", value: 100, periodSeconds: SCALE_UP_PERIOD_SECONDS },
        { type: "Pods", value: 4, periodSeconds: SCALE_UP_PERIOD_SECONDS },
      ],
    },
    scaleDown: {
      stabilizationWindowSeconds: Math.min(
        3600,
        Math.ceil(durationMilliseconds(autoscaling.scaleDownAfter) / 1000),
      ),
      policies: [{ type: "Percent", value: 10, periodSeconds: 60 }],
    },
  };
}

function inFlightPerReplica({ spec: { autoscaling, limits } }: Scaled): number {
  return autoscaling.inFlightPerReplica ?? (limits?.maxInFlightPerReplica ?? 1) * SHARE_OF_CAP;
}

/** Name of the Deployment that serves a task. */
export function deploymentOf({ spec: { workload, service } }: ModelTask): string {
  return workload.deployment ?? service.name;
}

/** A Kubernetes quantity, in thousandths where it is not whole. */
function quantity(value: number): string {
  return Number.isInteger(value) ? String(value) : `${Math.round(value * 1000)}m`;
}
