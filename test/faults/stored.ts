import { quiet } from "../support/pace.ts";
import { within } from "../support/until.ts";
import type { Stack } from "./stack.ts";

/** Longer than Envoy and the collector wait before they write, and than a sender waits before it tries again. */
const WITHIN_MS = 20_000;
/** Time for lines that come twice to be counted. */
const SETTLE_MS = 1000;

/** Waits until the collector has a line of each call. @throws Error when it has fewer in the end, or more */
export async function allStored({ collector }: Stack, calls: number): Promise<string> {
  const count = async () => {
    const traffic = await collector?.json<{ rows: { requests: number }[] }>(
      "/api/v1/traffic?from=1h&step=0&by=",
    );
    return traffic?.rows[0]?.requests ?? 0;
  };
  const start = performance.now();
  let stored = 0;
  const isStored = async () => {
    stored = await count();
    return stored >= calls;
  };
  await within(isStored, { withinMs: WITHIN_MS, everyMs: 100 });
  const took = Math.round((performance.now() - start) / 100) / 10;
  await quiet(SETTLE_MS);
  stored = await count();
  if (stored !== calls) throw new Error(`the collector has ${stored} lines of ${calls} requests`);
  return `${calls} lines of ${calls} in store, none twice, ${took} s after the last request`;
}
