import { durationMilliseconds } from "../../api/fields.ts";
import { type ModelTask, passesOpenAi } from "../../api/model-task.ts";

/**
 * Envoy cuts a stream so much later than the filter, which ends it with an error; filters/stream-time has the
 * same.
 */
const GRACE_MS = 1000;

/**
 * Configuration of the stage stream-time.
 * @returns undefined where no task needs it
 */
export function streamsConfig(tasks: ModelTask[]): object | undefined {
  const timed = tasks.flatMap(({ spec }) => {
    const timeoutMilliseconds = streamMilliseconds(spec);
    const lifts = streamsAreUnknown(spec);
    if (!lifts && timeoutMilliseconds === 0) return [];
    const { taskid } = spec;
    return [{ taskid, ...(lifts && { lifts }), ...(timeoutMilliseconds > 0 && { timeoutMilliseconds }) }];
  });
  return timed.length > 0 ? { tasks: timed } : undefined;
}

/** Is the task one of those in `streamsConfig`? */
export function isTimed({ spec }: ModelTask): boolean {
  return streamsAreUnknown(spec) || streamMilliseconds(spec) > 0;
}

/** Longest time of a stream for Envoy, in milliseconds; 0: as long as it likes. */
export function envoyStreamMilliseconds(spec: ModelTask["spec"]): number {
  const milliseconds = streamMilliseconds(spec);
  return milliseconds === 0 ? 0 : milliseconds + GRACE_MS;
}

function streamMilliseconds({ stream }: ModelTask["spec"]): number {
  return Math.ceil(durationMilliseconds(stream.timeout));
}

/** Does no other stage know the task's streams? */
function streamsAreUnknown(spec: ModelTask["spec"]): boolean {
  if (passesOpenAi(spec)) return false;
  return spec.conversion.protocol === "none" || spec.conversion.converter !== undefined;
}
