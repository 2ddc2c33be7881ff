import { pace } from "./pace.ts";

/** For a machine with much else to do: what a test waits for comes soon, or never. */
export const WITHIN_MS = 30_000;
const EVERY_MS = 20;

interface Often {
  withinMs?: number;
  everyMs?: number;
}

interface Wait extends Often {
  /** What was waited for, told when it did not come; a function is asked then. */
  message: string | (() => string);
}

/**
 * Waits until `condition` holds.
 * @returns what it came to
 * @throws Error with `message` when it does not hold in time; what the condition throws
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { withinMs = WITHIN_MS, everyMs = EVERY_MS, message }: Wait,
): Promise<NonNullable<Exclude<T, false>>> {
  const came = await within(condition, { withinMs, everyMs });
  if (came !== undefined) return came;
  const told = typeof message === "string" ? message : message();
  throw new Error(`waited ${withinMs / 1000} s: ${told}`);
}

/** As `until`; @returns undefined when the condition does not hold in time */
export async function within<T>(
  condition: () => T | Promise<T>,
  { withinMs = WITHIN_MS, everyMs = EVERY_MS }: Often,
): Promise<NonNullable<Exclude<T, false>> | undefined> {
  for (const deadline = performance.now() + withinMs; ; await pace(everyMs)) {
    const came = await condition();
    if (came) return came as NonNullable<Exclude<T, false>>;
    if (performance.now() >= deadline) return undefined;
  }
}
