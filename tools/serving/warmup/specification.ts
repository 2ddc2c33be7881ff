import { durationMilliseconds } from "../../api/fields.ts";
import type { ModelTask } from "../../api/model-task.ts";
import { type PrepareOptions, speechOf } from "../model-client/model-request.ts";
import { prepareRequests } from "../model-client/prepare.ts";
import type { WarmUpPlan, WarmUpTarget } from "./warm-up.ts";

/** What a ModelTask says of warming up. */
export function planOf({ spec: { warmUp } }: ModelTask): WarmUpPlan {
  const { requests, concurrency, timeout, success } = warmUp;
  return {
    ...{ requests, concurrency, timeoutMs: durationMilliseconds(timeout) },
    success: success && {
      consecutive: success.consecutive,
      latencyMs: durationMilliseconds(success.latency),
    },
  };
}

/** Port on which a replica of a task serves. */
export function servingPort({ spec: { workload, service } }: ModelTask): number {
  return workload.port ?? service.port;
}

/** Where the warm-up requests of a ModelTask go, and what they are. */
export function targetOf(
  task: ModelTask,
  origin: string,
  types: Pick<PrepareOptions, "protos" | "protoPaths">,
): WarmUpTarget {
  const { request } = task.spec.warmUp;
  return {
    origin,
    prepare: async (timeoutMs) =>
      request ? prepareRequests(request, { origin, ...speechOf(task), timeoutMs, ...types }) : [],
  };
}
