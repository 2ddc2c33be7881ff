import { setTimeout as sleep } from "node:timers/promises";

/** For a machine with much else to do: what a test waits for comes soon, or never. */
export const WITHIN_MS = 30_000;
const EVERY_MS = 20;

interface Wait {
  withinMs?: number;
  everyMs?: number;
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
  for (const deadline = performance.now() + withinMs; ; await sleep(everyMs)) {
    const came = await condition();
    if (came) return came as NonNullable<Exclude<T, false>>;
    if (performance.now() >= deadline) {
      const told = typeof message === "string" ? message : message();
      throw new Error(`waited ${withinMs / 1000} s: ${told}`);
    }
  }
}
