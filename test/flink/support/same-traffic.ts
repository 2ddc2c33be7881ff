import { expect, vi } from "vitest";
import type { TestCollector } from "../../support/collector/start.ts";
import { START } from "./lines.ts";

/** A document of the index `modelgate-traffic`. */
export interface Traffic {
  "@timestamp": string;
  tenant: string;
  taskid: string;
  version: string;
  gateway: string;
  requests: number;
  served: number;
  refused: number;
  client_errors: number;
  errors: number;
  would_refuse: number;
  p50: number;
  p90: number;
  p99: number;
  duration_sum: number;
  bytes_received: number;
  bytes_sent: number;
  in_flight: number;
}

type Collected = Omit<Traffic, "@timestamp"> & { time: string; codes: object; reasons: object };

/** For a collector of these lines, which are of a day long ago. */
export const KEPT = { keepMs: 1e12, keepMetricsMs: 1e12 };
/** The task of lines that come when their minute is closed. */
export const LATE = "late";

/** What a collector counts, by series, once it has all; the late line is left out. */
export async function collectedTraffic(
  collector: TestCollector,
  requests: number,
): Promise<Map<string, Collected>> {
  const range = { from: new Date(START).toISOString(), to: new Date(START + 3_600_000).toISOString() };
  const query = new URLSearchParams({ ...range, step: "60s" });
  const read = async () => {
    const rows = (await collector.traffic(String(query))).rows as Collected[];
    expect(sum(rows.map(({ requests }) => requests))).toBe(requests);
    return rows;
  };
  const rows = await vi.waitFor(read, { timeout: 20_000, interval: 200 });
  const timely = rows.filter(({ taskid }) => taskid !== LATE);
  return new Map(timely.map((row) => [seriesOf({ ...row, "@timestamp": row.time }), row]));
}

/** Fails unless the rows of the job are those of the collector. */
export function expectSame(rows: Traffic[], collected: Map<string, Collected>): void {
  expect(rows.length).toBe(collected.size);
  for (const row of rows) {
    const same = collected.get(seriesOf(row)) as Collected;
    const { p50, p90, p99, "@timestamp": _, ...counts } = row;
    expect(same).toMatchObject(counts);
    // Java and JavaScript raise gamma to a power with a last digit of their own.
    for (const [ours, theirs] of [
      [p50, same.p50],
      [p90, same.p90],
      [p99, same.p99],
    ] as const)
      expect(Math.abs(ours - theirs)).toBeLessThanOrEqual(1e-12 * theirs);
  }
}

export function seriesOf(
  row: Pick<Traffic, "@timestamp" | "tenant" | "taskid" | "version" | "gateway">,
): string {
  const minute = new Date(row["@timestamp"]).toISOString().slice(0, 16);
  return [minute, row.tenant, row.taskid, row.version, row.gateway].join(" ");
}

export function sum(numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
