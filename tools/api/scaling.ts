import { z } from "zod";
import { duration, quantity } from "./fields.ts";

/** Which processor cores and memory a replica gets. `modelgate explain placement` says why. */
export const placement = z.strictObject({
  cpus: z
    .int()
    .min(1)
    .max(1024)
    .describe("Whole cores of a replica: requests equal limits, so that the kubelet can bind them."),
  memory: quantity().describe("Memory of a replica, as request and limit."),
  threads: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe("Threads that the model server computes with. Default: as many as cores."),
  numaNodes: z
    .enum(["single", "any"])
    .default("single")
    .describe("single asks for nodes that put all cores of a pod on one NUMA node. Default: single."),
  gpus: z.int().min(1).max(64).optional().describe("GPUs of a replica (nvidia.com/gpu). Default: none."),
});

export type Placement = z.output<typeof placement>;

/** How many replicas there are. */
export const autoscaling = z.strictObject({
  minReplicas: z.int().min(1).max(10_000).default(2).describe("Least replicas. Default: 2."),
  maxReplicas: z.int().min(1).max(10_000).describe("Most replicas."),
  inFlightPerReplica: z
    .number()
    .positive()
    .max(1_000_000)
    .optional()
    .describe(
      "Requests under way that a replica is meant to have. Default: 80 % of `limits.maxInFlightPerReplica`.",
    ),
  scaleDownAfter: duration()
    .default("5m")
    .describe("Replicas go only when fewer were enough for this time. Default: 5m."),
});
