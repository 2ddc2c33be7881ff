import { claims, jwt, seconds } from "../support/auth.ts";
import { until } from "../support/until.ts";
import type { Stack } from "./stack.ts";

/** Longer than the filter goes by the time of its last tick. */
const WITHIN_MS = 2500;

/**
 * Waits until a token of half an hour is refused for this reason, or accepted: a new one each time, as checked ones are remembered.
 * @throws Error with the last answer when it is not so in time
 */
export async function tokenIs({ envoy }: Stack, reason: string | undefined): Promise<void> {
  let last = "";
  const isSo = async () => {
    const now = seconds();
    const token = jwt({ claims: claims({ nbf: now - 60, exp: now + 1800 }) });
    const headers = { authorization: `Bearer ${token}`, taskid: "666" };
    const response = await fetch(`http://127.0.0.1:${envoy.port}/v2/models/m`, { headers });
    last = await response.text();
    const told = /"reason":"(token_\w+)"/.exec(last)?.[1];
    return reason === undefined ? response.status !== 401 : told === reason;
  };
  const message = () => `a token is not ${reason ?? "accepted"}: ${last}`;
  await until(isSo, { withinMs: WITHIN_MS, everyMs: 100, message });
}
