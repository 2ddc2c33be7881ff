import { setTimeout as sleep } from "node:timers/promises";

/**
 * Values in groups, in their order: of `most` at the most, and none waits longer than `waitMs` for others.
 * @throws Error when the source does
 */
export async function* inBatches<T>(
  source: AsyncIterable<T>,
  most: number,
  waitMs: number,
): AsyncGenerator<T[]> {
  const values = source[Symbol.asyncIterator]();
  const ask = () => {
    const next = values.next();
    // It may fail while nobody waits for it.
    next.catch(() => {});
    return next;
  };
  let coming = ask();
  while (true) {
    const first = await coming;
    if (first.done) return;
    const batch = [first.value];
    coming = ask();
    const waited = new AbortController();
    const over = sleep(waitMs, undefined, { signal: waited.signal }).catch(() => undefined);
    while (batch.length < most) {
      const next = await Promise.race([coming, over]);
      if (next === undefined || next.done) break;
      batch.push(next.value);
      coming = ask();
    }
    waited.abort();
    yield batch;
  }
}
