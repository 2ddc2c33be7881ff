import { pace } from "../support/pace.ts";
import { until } from "../support/until.ts";
import type { Kind } from "./traffic.ts";

export interface Counts {
  sent: number;
  /** Answers that the kind doesn't accept: by status. */
  wrong: Record<string, number>;
}

/** Requests at once beyond which the pace slackens: the machine is too slow for it. */
const MOST_IN_FLIGHT = 200;

/** Sends a mixture at a steady pace until the signal, and waits for the answers. @returns counts by kind */
export async function offerMixture(
  port: number,
  kinds: Kind[],
  requestsPerSecond: number,
  signal: AbortSignal,
): Promise<Record<string, Counts>> {
  const counts = Object.fromEntries(kinds.map(({ name }) => [name, { sent: 0, wrong: {} } as Counts]));
  const deck = kinds.flatMap((kind) => Array<Kind>(kind.share).fill(kind));
  let inFlight = 0;
  let next = 0;
  const send = async (kind: Kind) => {
    const count = counts[kind.name] as Counts;
    count.sent++;
    inFlight++;
    const outcome = await kind.send(port);
    inFlight--;
    if (kind.accepts(outcome)) return;
    const status = [outcome.status, outcome.grpcStatus, outcome.error].filter(Boolean).join(" ");
    count.wrong[status] = (count.wrong[status] ?? 0) + 1;
  };
  let last = performance.now();
  let due = 0;
  while (!signal.aborted) {
    await pace(5);
    const now = performance.now();
    due = Math.min(due + ((now - last) / 1000) * requestsPerSecond, requestsPerSecond);
    last = now;
    // A stride that shares no divisor with the deck mixes the kinds.
    for (; due >= 1 && inFlight < MOST_IN_FLIGHT; due--, next += 37)
      void send(deck[next % deck.length] as Kind);
  }
  await until(() => inFlight === 0, { message: () => `${inFlight} requests are not answered` });
  return counts;
}
