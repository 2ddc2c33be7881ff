import { z } from "zod";
import { duration, positiveDuration } from "./fields.ts";

/** Headers of callers that are the gateway's business, not the model server's. */
const KEPT_BACK = ["cookie", "taskid", "x-envoy-original-path"] as const;

export const forwardedHeaders = z.array(z.enum(KEPT_BACK)).max(KEPT_BACK.length);

/** How long a stream of replies may be silent, and in all. */
export const stream = z.strictObject({
  idleTimeout: positiveDuration()
    .optional()
    .describe(
      "A stream ends when neither side has sent anything for this time, or for the task's `timeout` if that is longer. Where the gateway's `routing` is not tree, the longest of its tasks counts for all. Default: the gateway's `protection.streamIdleTimeout`.",
    ),
  timeout: duration()
    .default("0s")
    .describe(
      "A stream ends after this time, however alive it is, with an error as its last event; 0s: never. Default: 0s.",
    ),
});

/** Headers that a task's routes take from requests. */
export function keptBack(forwarded: readonly string[]): string[] {
  return KEPT_BACK.filter((name) => !forwarded.includes(name));
}
