import { setTimeout as sleep } from "node:timers/promises";

const BACK_OFF_MS = { first: 250, last: 30_000 };

/**
 * Does something until it succeeds, with longer and longer rests.
 * @param signal gives it up
 * @param failed is told of each failure, and when it is tried again
 * @returns undefined when it was given up
 */
export async function retried<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  failed: (error: unknown, retryMs: number) => void,
): Promise<T | undefined> {
  for (let backOff = BACK_OFF_MS.first; !signal.aborted; backOff = Math.min(backOff * 2, BACK_OFF_MS.last)) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) break;
      failed(error, backOff);
      // Between half and all of it, so that several don't come at the same moments.
      await rest(backOff * (0.5 + Math.random() / 2), signal);
    }
  }
  return undefined;
}

/** Resolves after a time, or at the signal. */
export async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
}
