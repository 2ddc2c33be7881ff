import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Outcome, outcomeOf } from "../../tools/lib/access-log/outcome.ts";
import type { Spend } from "../../tools/servers/collector/query/spend.ts";
import { startBroker } from "../collector/support/kafka-broker.ts";
import { JAVA, lacking } from "../collector/support/parts.ts";
import { startTestCollector, type TestCollector, testFolder } from "../support/collector/start.ts";
import { freePort } from "../support/free-port.ts";
import { documents, jobOverFiles, jobOverKafka, runFlink } from "./support/job.ts";
import { type Line, logLines, START } from "./support/lines.ts";
import {
  collectedTraffic,
  expectSame,
  KEPT,
  LATE,
  seriesOf,
  sum,
  type Traffic,
} from "./support/same-traffic.ts";

const COUNTED = [
  ...(["calls", "input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"] as const),
  ...(["estimated", "aborted"] as const),
];
type Spent = Record<(typeof COUNTED)[number], number> & {
  tenant: string;
  credential: string;
  currency: string;
  cost_micros: number;
};

const missing = lacking(JAVA);
if (missing) console.log(`stream job tests are skipped: ${missing}`);
const lines = logLines(6_000, 5);
const late: Line = {
  ...(lines[0] as Line),
  taskid: LATE,
  start_time: new Date(START).toISOString(),
  request_id: "late",
};
let folder: string;
let output: string;

beforeAll(async () => {
  if (missing) return;
  folder = await mkdtemp(join(tmpdir(), "modelgate-flink-"));
  output = join(folder, "output");
  await mkdir(join(folder, "input"));
  const text = lines.map((line) => JSON.stringify(line));
  const repeated = text.filter((line) => line.includes("request_id")).slice(0, 500);
  text.splice(1_000, 0, '{"start_time":"2026-11-20T10:0', "no JSON", "", '{"duration":3}', ...repeated);
  text.push(JSON.stringify(late));
  await writeFile(join(folder, "input/access.log"), `${text.join("\n")}\n`);
  await runFlink(await jobOverFiles(join(folder, "input"), output), folder);
});
afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
});

describe.skipIf(missing)("the stream job on Flink's mini cluster", () => {
  test("counts each request once, in the minute that it started in", async () => {
    const rows = await documents<Traffic>(output, "traffic");
    expect(rows.map(seriesOf).sort()).toEqual([...groups().keys()].sort());
    for (const row of rows) {
      const group = groups().get(seriesOf(row)) as Line[];
      expect(row).toMatchObject({
        requests: group.length,
        served: ended(group, "served"),
        refused: ended(group, "refused"),
        client_errors: ended(group, "client_error"),
        errors: ended(group, "server_error"),
        would_refuse: group.filter((line) => line.would_refuse).length,
        duration_sum: sum(group.map(({ duration }) => duration)),
        bytes_received: sum(group.map(({ bytes_received }) => bytes_received)),
        bytes_sent: sum(group.map(({ bytes_sent }) => bytes_sent)),
        in_flight: sum(group.map(({ duration }) => duration)) / 1_000 / 60,
      });
    }
  });

  test("has percentiles within 1 % of the exact ones", async () => {
    for (const row of await documents<Traffic>(output, "traffic")) {
      const durations = (groups().get(seriesOf(row)) as Line[]).map(({ duration }) => duration);
      durations.sort((a, b) => a - b);
      for (const [name, q] of [["p50", 0.5] as const, ["p90", 0.9] as const, ["p99", 0.99] as const]) {
        const exact = durations[Math.floor(q * (durations.length - 1))] as number;
        expect(Math.abs(row[name] - exact)).toBeLessThanOrEqual(exact * 0.010001);
      }
    }
  });

  test("equals the collector's numbers for the same file", async () => {
    const collector = await startTestCollector(folder, {
      ...KEPT,
      globs: [join(folder, "input/access.log")],
    });
    const collected = await collectedTraffic(collector, lines.length + 1);
    expectSame(await documents<Traffic>(output, "traffic"), collected);
  });

  test("splits requests by status, outcome and reason", async () => {
    const rows = await documents<
      Pick<Line, "response_code" | "reason"> & { outcome: string; requests: number }
    >(output, "outcomes");
    const key = (line: Pick<Line, "response_code" | "reason">, outcome: string) =>
      `${line.response_code} ${line.reason ?? ""} ${outcome}`;
    expect(tally(rows.map((row) => [key(row, row.outcome), row.requests]))).toEqual(
      tally(lines.map((line) => [key(line, outcomeOf(line)), 1])),
    );
  });

  test("keeps the latency sketch", async () => {
    const rows = await documents<{ bucket: number; milliseconds: number; requests: number }>(
      output,
      "latency",
    );
    expect(sum(rows.map(({ requests }) => requests))).toBe(lines.length);
    expect(rows.filter(({ bucket }) => bucket < 0).every(({ milliseconds }) => milliseconds === 0)).toBe(
      true,
    );
  });

  test("adds up tokens and money as the collector does, by credential and currency", async () => {
    const rows = await documents<Spent>(output, "model_calls");
    const calls = lines.filter(({ usage }) => usage);
    expect(sum(rows.map((row) => row.calls))).toBe(calls.length);
    const collector = await startTestCollector(folder, {
      ...KEPT,
      globs: [join(folder, "input/access.log")],
    });
    await vi.waitFor(async () => expect(await requestsOf(collector)).toBe(lines.length + 1), 20_000);
    const range = `from=${new Date(START).toISOString()}&to=${new Date(START + 3_600_000).toISOString()}`;
    const spend = await collector.json<Spend>(`/api/v1/spend?${range}&by=tenant,task,credential`);
    expect(spend.rows.length).toBeGreaterThan(3);
    for (const row of spend.rows) {
      // The job sets it aside.
      if (row.taskid === late.taskid) continue;
      const own = rows.filter((each) => each.tenant === row.tenant && each.credential === row.credential);
      for (const name of COUNTED) expect(sum(own.map((each) => each[name])), name).toBe(row[name]);
      for (const currency of ["EUR", "USD"])
        expect(sum(own.filter((each) => each.currency === currency).map((each) => each.cost_micros))).toBe(
          row.costs[currency] ?? 0,
        );
    }
  });

  test("keeps the sketches of the times of tokens", async () => {
    const rows = await documents<{ kind: "time_to_first_token_us"; microseconds: number; calls: number }>(
      output,
      "token_times",
    );
    for (const kind of ["time_to_first_token_us", "time_per_output_token_us"] as const) {
      const values = lines.flatMap((line) => line[kind] ?? []).toSorted((a, b) => a - b);
      const own = rows.filter((row) => row.kind === kind).toSorted((a, b) => a.microseconds - b.microseconds);
      expect(sum(own.map(({ calls }) => calls))).toBe(values.length);
      const median = values[Math.floor((values.length - 1) / 2)] as number;
      const half = own.find(
        (_, at) => sum(own.slice(0, at + 1).map(({ calls }) => calls)) > (values.length - 1) / 2,
      );
      expect(Math.abs((half?.microseconds ?? 0) - median)).toBeLessThanOrEqual(median * 0.010001);
    }
  });

  test("sets aside what comes after its minute, and lines without a time", async () => {
    const rows = await documents<Partial<Line>>(output, "late_lines");
    expect(rows.map(({ request_id }) => request_id ?? null).sort()).toEqual(["late", null]);
  });
});

describe.skipIf(missing)("the stream job over a real Kafka broker", () => {
  test("counts what the collector exported as the collector does", async () => {
    const folder = await testFolder();
    const port = await freePort();
    const broker = await startBroker(join(folder, "kafka"), port);
    try {
      await writeFile(join(folder, "access.log"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
      const kafka = { brokers: [`127.0.0.1:${port}`], topic: "modelgate-logs" };
      const collector = await startTestCollector(folder, { ...KEPT, exports: { kafka } });
      const sent = 'modelgate_collector_export_lines_total{export="kafka"}';
      await vi.waitFor(async () => expect(await collector.metric(sent)).toBe(lines.length), 30_000);
      await runFlink(await jobOverKafka(port, join(folder, "output")), folder);
      const rows = await documents<Traffic>(join(folder, "output"), "traffic");
      expectSame(rows, await collectedTraffic(collector, lines.length));
    } finally {
      await broker.stop();
    }
  });
});

async function requestsOf(collector: TestCollector): Promise<number> {
  const range = { from: new Date(START).toISOString(), to: new Date(START + 86_400_000).toISOString() };
  const { rows } = await collector.traffic(String(new URLSearchParams({ ...range, step: "0", by: "" })));
  return rows[0]?.requests ?? 0;
}

function groups(): Map<string, Line[]> {
  return Map.groupBy(lines, (line) =>
    seriesOf({ tenant: "", taskid: "", version: "", gateway: "", ...line, "@timestamp": line.start_time }),
  );
}

function ended(group: Line[], outcome: Outcome): number {
  return group.filter((line) => outcomeOf(line) === outcome).length;
}

function tally(entries: [string, number][]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [name, count] of entries) counts[name] = (counts[name] ?? 0) + count;
  return counts;
}
