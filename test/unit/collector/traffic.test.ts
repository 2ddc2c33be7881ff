import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Heatmap } from "../../../tools/servers/collector/query/heatmap.ts";
import { GAMMA, RELATIVE_ACCURACY } from "../../../tools/servers/collector/sketch.ts";
import { logLine, toText } from "../../support/collector/log-lines.ts";
import { startTestCollector, testFolder } from "../../support/collector/start.ts";

const MINUTE = 60_000;
const now = Math.floor(Date.now() / MINUTE) * MINUTE;

const request = fc.record({
  minutesAgo: fc.integer({ min: 1, max: 90 }),
  taskid: fc.constantFrom("1", "2", undefined),
  tenant: fc.constantFrom("search", "maps"),
  code: fc.constantFrom(0, 200, 404, 429, 500, 503),
  grpc: fc.constantFrom(undefined, "OK", "Unavailable", "NotFound"),
  decision: fc.constantFrom(undefined, "allowed", "refused", "would_refuse"),
  reason: fc.constantFrom(undefined, "", "task_rate_limited", "unauthenticated"),
  duration: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 51, max: 100_000 })),
});
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

/** The same numbers, computed the plain way. */
function expected(requests: Request[]) {
  const isRefused = ({ decision, reason }: Request) =>
    decision === "refused" || (decision === undefined && reason !== undefined && reason !== "");
  const count = (keep: (request: Request) => boolean) => requests.filter(keep).length;
  const tally = (names: (string | number)[]) =>
    Object.fromEntries(names.map((name) => [name, names.filter((each) => each === name).length]));
  const durations = requests.map(({ duration }) => duration).sort((a, b) => a - b);
  return {
    requests: requests.length,
    served: count((each) => !isRefused(each) && each.code === 200 && (each.grpc ?? "OK") === "OK"),
    refused: count(isRefused),
    client_errors: count(
      (each) =>
        !isRefused(each) &&
        (each.code === 200 ? each.grpc === "NotFound" : each.code >= 400 && each.code < 500),
    ),
    errors: count(
      (each) =>
        !isRefused(each) &&
        (each.code === 0 || each.code >= 500 || (each.code === 200 && each.grpc === "Unavailable")),
    ),
    would_refuse: count(({ decision }) => decision === "would_refuse"),
    codes: tally(requests.map(({ code }) => code)),
    reasons: tally(requests.flatMap(({ reason }) => reason || [])),
    duration_sum: durations.reduce((sum, each) => sum + each, 0),
    exact: (q: number) => durations[Math.floor(q * (durations.length - 1))] as number,
  };
}

it("counts what a plain count of the same lines gives, each in the minute it began, whenever it comes", async () => {
  const folder = await testFolder();
  const requests = fc.sample(request, 3_000);
  const lines = requests.map(({ minutesAgo, code, grpc, ...fields }) =>
    logLine({
      start_time: new Date(now - minutesAgo * MINUTE + 7).toISOString(),
      response_code: code,
      grpc_status: grpc,
      ...fields,
    }),
  );
  await writeFile(join(folder, "a.log"), toText(lines));
  const collector = await startTestCollector(folder);
  await expect.poll(() => collector.requests()).toBe(requests.length);
  const { rows } = await collector.traffic("from=2h&step=1m&by=tenant,taskid");
  const keyOf = (time: number, tenant = "", taskid = "") => JSON.stringify([time, tenant, taskid]);
  const groups = Map.groupBy(requests, ({ minutesAgo, tenant, taskid }) =>
    keyOf(now - minutesAgo * MINUTE, tenant, taskid),
  );
  expect(rows.length).toBe(groups.size);
  for (const row of rows) {
    const { exact, ...numbers } = expected(
      groups.get(keyOf(Date.parse(row.time ?? ""), row.tenant, row.taskid)) as Request[],
    );
    expect(row).toMatchObject(numbers);
    expect(row.qps).toBeCloseTo(numbers.requests / 60);
    expect(row.in_flight).toBeCloseTo(numbers.duration_sum / 60_000);
    for (const [name, q] of [
      ["p50", 0.5],
      ["p90", 0.9],
      ["p99", 0.99],
    ] as const)
      expect(Math.abs((row[name] as number) - exact(q))).toBeLessThanOrEqual(
        RELATIVE_ACCURACY * exact(q) + 1e-9,
      );
  }
  const one = (await collector.traffic("from=2h&step=0&by=&tenant=maps")).rows[0];
  const { exact, ...numbers } = expected(requests.filter(({ tenant }) => tenant === "maps"));
  expect(one).toMatchObject(numbers);
  expect(Math.abs((one?.p99 as number) / exact(0.99) - 1)).toBeLessThanOrEqual(RELATIVE_ACCURACY);
  const heatmap = await collector.json<Heatmap>("/api/v1/heatmap?from=2h&step=10m");
  const counts = heatmap.rows.flatMap((row) => row.counts);
  expect(counts.reduce((sum, each) => sum + each, 0)).toBe(requests.length);
  expect(heatmap.buckets[1]).toBeCloseTo(GAMMA ** 16);
});

it("names what had traffic", async () => {
  const collector = await startTestCollector(await testFolder());
  await collector.post(toText([logLine({ taskid: "1", version: "v2" }), logLine({ taskid: undefined })]));
  await expect.poll(() => collector.requests()).toBe(2);
  expect(await collector.json("/api/v1/names?from=1h")).toEqual({
    tenants: ["search"],
    taskids: ["1"],
    versions: ["v1", "v2"],
    gateways: ["gateways/search"],
  });
});

it("tells Prometheus of the largest series by name, and of the rest together", async () => {
  const collector = await startTestCollector(await testFolder(), { topSeries: 2 });
  const many = Array.from({ length: 30 }, (_, i) => logLine({ taskid: `t${i}`, duration: 30 }));
  await collector.post(toText(many));
  await expect.poll(() => collector.requests()).toBe(30);
  const text = async () => (await fetch(`${collector.url}/metrics`)).text();
  await expect.poll(text).toContain('taskid="other"');
  const counted = [...(await text()).matchAll(/^modelgate_requests_total\{.*taskid="(\w+)".*\} (\d+)$/gm)];
  expect(counted).toHaveLength(3);
  expect(counted.reduce((sum, [, , count]) => sum + Number(count), 0)).toBe(30);
  const buckets = [
    ...(await text()).matchAll(
      /^modelgate_request_duration_seconds_bucket\{.*taskid="other".*le="(.*)"\} (\d+)$/gm,
    ),
  ];
  expect(buckets.find(([, le]) => le === "0.025")?.[2]).toBe("0");
  expect(buckets.find(([, le]) => le === "0.05")?.[2]).toBe("28");
  expect(buckets.at(-1)?.slice(1)).toEqual(["+Inf", "28"]);
});
