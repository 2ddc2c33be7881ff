import { z } from "zod";
import { percent, positiveDuration } from "./fields.ts";

/** How gateways try, choose and spare the replicas of a task. */

export const retries = z.strictObject({
  attempts: z.int().min(0).max(10).default(2).describe("Number of retries; 0 turns them off. Default: 2."),
  perTryTimeout: positiveDuration().optional().describe("Timeout of each try. Default: that of the request."),
  on: z
    .array(z.string().regex(/^[a-z0-9-]+$/, "must be an Envoy retry condition such as unavailable"))
    .min(1)
    .default(["connect-failure", "refused-stream", "unavailable"])
    .describe(
      "Envoy's retry_on conditions. Default: those where the model has not begun: connect-failure, refused-stream, unavailable.",
    ),
});

export const loadBalancing = z.strictObject({
  policy: z
    .enum(["LEAST_REQUEST", "ROUND_ROBIN", "RANDOM"])
    .default("LEAST_REQUEST")
    .describe("Load balancing policy. Default: LEAST_REQUEST."),
  locality: z
    .boolean()
    .default(false)
    .describe("Prefer replicas of the gateway's own zone; turns outlierDetection on. Default: false."),
});

export const outlierDetection = z.strictObject({
  consecutiveErrors: z
    .int()
    .min(1)
    .max(1000)
    .default(5)
    .describe("5xx in a row that eject a replica. Default: 5."),
  interval: positiveDuration().default("10s").describe("Time between sweeps. Default: 10s."),
  baseEjectionTime: positiveDuration()
    .default("30s")
    .describe("Shortest time a replica stays out. Default: 30s."),
  maxEjectionPercent: percent()
    .min(1)
    .default(50)
    .describe("Most replicas out at once, in percent. Default: 50."),
});

const count = () => z.int().min(1).max(2_147_483_647).optional();

export const connectionPool = z.strictObject({
  maxConnections: count().describe("TCP connections of a gateway pod to the replicas. Default: no limit."),
  maxPendingRequests: count().describe("Requests that wait for a connection. Default: no limit."),
  maxRequestsPerConnection: count().describe("Default: no limit."),
});
