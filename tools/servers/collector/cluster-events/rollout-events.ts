import type { Rollout } from "../../../cluster/rollout/state.ts";
import type { Event } from "../query/events.ts";

const ENDS = { done: "RolloutDone", rolledBack: "RolloutRolledBack" };

/**
 * What happened between two states of a rollout. Of a state that is seen for the first time only the start
 * and the end are told, whose times stay the same however often they are read.
 */
export function rolloutEvents(
  before: Rollout | undefined,
  now: Rollout,
  about: Pick<Event, "tenant" | "gateway">,
): Event[] {
  const { image, steps, step, phase, startedAt, updatedAt, message } = now;
  const event = (time: string, reason: string, message: string): Event => ({
    ...{ time, type: "rollout", reason, message, taskid: "", version: "" },
    ...about,
    source: image.replace(/^.*@/, ""),
  });
  const same = before?.startedAt === startedAt ? before : undefined;
  const events: Event[] = [];
  if (same === undefined)
    events.push(event(startedAt, "RolloutStarted", `${image}, steps ${steps.join(", ")} %`));
  if (same !== undefined && same.step !== step && phase === "running")
    events.push(event(updatedAt, "RolloutStep", `${steps[step]} % of the pods`));
  if (same !== undefined && same.phase !== phase && (phase === "paused" || phase === "running"))
    events.push(event(updatedAt, phase === "paused" ? "RolloutPaused" : "RolloutResumed", message));
  if ((phase === "done" || phase === "rolledBack") && same?.phase !== phase)
    events.push(event(updatedAt, ENDS[phase], message));
  return events;
}
