import type { PreparedRequest } from "../model-client/connection.ts";

/** Makes a request of so many rows ready. */
type MakeBatch = (batch: number) => Promise<PreparedRequest>;

/**
 * Requests as large as those that were recorded, in their order: batches of powers of two, so that few have
 * to be made. A request whose size is not known has one row.
 * @param sizes bytes of tensors
 */
export async function sizedRequests(
  sizes: (number | undefined)[],
  make: MakeBatch,
): Promise<PreparedRequest[]> {
  const [one, two] = [await make(1), await make(2)];
  const rowBytes = Math.max(1, two.payload.length - one.payload.length);
  const made = new Map([
    [1, one],
    [2, two],
  ]);
  const batches = sizes.map((bytes = 0) => nearestPowerOfTwo(bytes / rowBytes));
  for (const batch of new Set(batches)) if (!made.has(batch)) made.set(batch, await make(batch));
  return batches.map((batch) => made.get(batch) as PreparedRequest);
}

function nearestPowerOfTwo(value: number): number {
  return 2 ** Math.max(0, Math.round(Math.log2(Math.max(value, 1))));
}
