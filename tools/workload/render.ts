import type { Manifest } from "../kubernetes/manifest.ts";
import type { ModelTask } from "../resources/model-task.ts";
import { horizontalPodAutoscaler, isScaled, scaledObject } from "./autoscaling.ts";
import { deploymentPatch } from "./deployment-patch.ts";

/** What can be rendered for the Deployments of model servers, which are not Modelgate's own. */
export const WORKLOAD_TARGETS = ["deployment-patch", "hpa", "keda"] as const;
export type WorkloadTarget = (typeof WORKLOAD_TARGETS)[number];

export interface WorkloadOptions {
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

/** @throws Error when no task has what the target is made from */
export function renderWorkload(tasks: ModelTask[], options: WorkloadOptions): Manifest[] {
  const { target, commandImage: image, gatewayService, prometheus } = options;
  if (target === "deployment-patch")
    return tasks.map((task) => deploymentPatch(task, { image, gatewayService }));
  const scaled = tasks.filter(isScaled);
  if (scaled.length === 0) throw new Error(`--target ${target}: no ModelTask here has spec.autoscaling`);
  return scaled.map((task) =>
    target === "hpa" ? horizontalPodAutoscaler(task) : scaledObject(task, prometheus),
  );
}
