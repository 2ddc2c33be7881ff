import type { ModelTask } from "../../api/model-task.ts";
import { namespaceOf } from "../../cluster/istio/names.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { deploymentOf, horizontalPodAutoscaler, isScaled, scaledObject } from "./autoscaling.ts";
import { deploymentPatch } from "./deployment-patch.ts";

/** What can be rendered for the Deployments of model servers, which are not Modelgate's own. */
export const WORKLOAD_TARGETS = ["deployment-patch", "hpa", "keda"] as const;
export type WorkloadTarget = (typeof WORKLOAD_TARGETS)[number];

interface WorkloadOptions {
  target: WorkloadTarget;
  /** Image of the command `modelgate`, for the sidecar. */
  commandImage: string;
  gatewayService?: string | undefined;
  /** URL of Prometheus' API. */
  prometheus: string;
}

export function isWorkloadTarget(target: string): target is WorkloadTarget {
  return (WORKLOAD_TARGETS as readonly string[]).includes(target);
}

/** @throws Error when no task has what the target is made from, or two would make the same object */
export function renderWorkload(tasks: ModelTask[], options: WorkloadOptions): Manifest[] {
  const { target, commandImage: image, gatewayService, prometheus } = options;
  if (target === "deployment-patch") {
    refuseShared(tasks);
    return tasks.map((task) => deploymentPatch(task, { image, gatewayService }));
  }
  const scaled = tasks.filter(isScaled);
  if (scaled.length === 0) throw new Error(`--target ${target}: no ModelTask here has spec.autoscaling`);
  refuseShared(scaled);
  return scaled.map((task) =>
    target === "hpa" ? horizontalPodAutoscaler(task) : scaledObject(task, prometheus),
  );
}

/** The one that is applied last would undo what the others say. */
function refuseShared(tasks: ModelTask[]): void {
  const names = new Map<string, string>();
  for (const task of tasks) {
    const deployment = `${namespaceOf(task.metadata)}/${deploymentOf(task)}`;
    const other = names.get(deployment);
    if (other !== undefined)
      throw new Error(
        `ModelTasks ${other} and ${task.metadata.name} have the same Deployment ${deployment}: render one of them, or name others in spec.workload.deployment`,
      );
    names.set(deployment, task.metadata.name);
  }
}
