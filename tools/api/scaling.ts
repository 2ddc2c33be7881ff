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
    .describe("Compute threads of the model server. Default: as many as cores."),
  numaNodes: z
    .enum(["single", "any"])
    .default("single")
    .describe("single asks for nodes that put all cores of a pod on one NUMA node. Default: single."),
  gpus: z.int().min(1).max(64).optional().describe("GPUs of a replica (nvidia.com/gpu). Default: none."),
});

export type Placement = z.output<typeof placement>;

/** How many replicas there are. */
export const autoscaling = z.strictObject({
  minReplicas: z.int().min(1).max(10_000).default(2).describe("Minimum number of replicas. Default: 2."),
  maxReplicas: z.int().min(1).max(10_000).describe("Maximum number of replicas."),
  inFlightPerReplica: z
    .number()
    .positive()
    .max(1_000_000)
    .optional()
    .describe("Requests in flight per replica to aim at. Default: 80 % of `limits.maxInFlightPerReplica`."),
  scaleDownAfter: duration()
    .default("5m")
    .describe("Scale down only after fewer replicas were enough for this long. Default: 5m."),
});
