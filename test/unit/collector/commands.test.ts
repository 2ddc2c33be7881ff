import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collectorCommand } from "../../../tools/cli/commands/collector.ts";
import { logsCommand } from "../../../tools/cli/commands/logs.ts";
import { metricsCommand } from "../../../tools/cli/commands/metrics.ts";
import { topCommand } from "../../../tools/cli/commands/top.ts";
import { CollectorClient } from "../../../tools/servers/collector/client.ts";
import { logLine, toText } from "../../support/collector/log-lines.ts";
import { CollectorProcess } from "../../support/collector/process.ts";
import { startTestCollector, testFolder } from "../../support/collector/start.ts";
import { freePort } from "../../support/free-port.ts";
import { runHere } from "../../support/modelgate.ts";
import { until } from "../../support/until.ts";

/** `top` leaves the last seconds out, of which lines may still be on their way. */
const start_time = new Date(Date.now() - 30_000).toISOString();
const LINES = [
  logLine({ start_time, taskid: "1", duration: 10 }),
  logLine({ start_time, taskid: "1", duration: 900, response_code: 503, path: "/slow" }),
  logLine({
    start_time,
    taskid: "2",
    tenant: "maps",
    response_code: 429,
    decision: "refused",
    reason: "task_rate_limited",
  }),
];

let url: string;
let file: string;
/** One collector, which all tests only read. */
const ends: (() => Promise<void>)[] = [];
beforeAll(async () => {
  const whenOver = (end: () => Promise<void>) => ends.unshift(end);
  const folder = await testFolder(whenOver);
  file = join(folder, "lines.json.gz");
  await writeFile(file, gzipSync(toText(LINES)));
  const collector = await startTestCollector(folder, {}, whenOver);
  await collector.post(toText(LINES));
  await until(async () => (await collector.requests()) === 3, { message: "the lines are not counted" });
  url = collector.url;
});
afterAll(async () => {
  for (const end of ends) await end();
});

describe.each([
  ["a collector", () => ["--collector", url]],
  ["a packed file", () => [file]],
])("of %s", (_, source) => {
  it("metrics prints a row for each task", async () => {
    const { stdout, code } = await runHere(metricsCommand(), [
      ...source(),
      "--by",
      "tenant,taskid",
      "-o",
      "wide",
    ]);
    expect(code).toBe(0);
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((row) => row.split(/ {3,}/));
    expect(rows[0]?.slice(0, 3)).toEqual(["TENANT", "TASKID", "REQUESTS"]);
    expect(rows.slice(1).map((row) => row.slice(0, 3))).toEqual([
      ["maps", "2", "1"],
      ["search", "1", "2"],
    ]);
    expect(stdout).toContain("50.00%");
    expect(stdout).toContain("task_rate_limited:1");
    expect(stdout).toContain("200:1,503:1");
  });

  it("metrics prints JSON", async () => {
    const { stdout } = await runHere(metricsCommand(), [
      ...source(),
      "--tenant",
      "maps",
      "--step",
      "1m",
      "-o",
      "json",
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ step: 60, rows: [{ taskid: "2", requests: 1, refused: 1 }] });
  });

  it("logs prints what is asked for", async () => {
    const { stdout } = await runHere(logsCommand(), [...source(), "--slower-than", "500ms"]);
    expect(stdout).toMatch(
      /^\S+Z {2}503 {2}server_error {4}900ms {2}search\/1@v1 {3}POST {2}\/slow {21}- {9}search-batch {2}\S{36}\n$/,
    );
    const json = await runHere(logsCommand(), [...source(), "--code", "4xx", "-o", "json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ reason: "task_rate_limited", phases: { rate_limit: 2 } });
  });
});

describe.each([
  ["a collector", () => ["--collector", url]],
  ["a packed file", () => [file]],
])("of %s, filters and groups are alike", (_, source) => {
  const rowsOf = async (args: string[]) => {
    const { stdout } = await runHere(metricsCommand(), [...source(), "-o", "json", ...args]);
    return JSON.parse(stdout).rows;
  };
  it.each([
    [["--code", "0,5xx"], 1],
    [["--code", "429", "503"], 2],
    [["--credential", "search-batch"], 3],
    [["--credential", "none"], 0],
    [["--reason", "task_rate_limited"], 1],
    [["--outcome", "server_error"], 1],
    [["--outcome", "served", "refused"], 2],
  ])("%j", async (filter, requests) => {
    const [row] = await rowsOf([...filter, "--by", ""]);
    expect(row?.requests ?? 0).toBe(requests);
    const lines = (await runHere(logsCommand(), [...source(), ...filter, "-o", "json"])).stdout;
    expect(lines.split("\n").filter(Boolean)).toHaveLength(requests);
    const top = (await runHere(topCommand(), [...source(), ...filter, "--once", "--window", "15m"])).stdout;
    expect(top.includes("No traffic")).toBe(requests === 0);
  });

  it("by each of them", async () => {
    const rows = await rowsOf(["--by", "task,credential,code,reason,outcome"]);
    expect(
      rows.map(({ p50, ...row }: Record<string, unknown>) => [...keys.map((key) => row[key]), p50 !== null]),
    ).toEqual([
      ["1", "search-batch", 200, "", "served", 1, true],
      ["1", "search-batch", 503, "", "server_error", 1, true],
      ["2", "search-batch", 429, "task_rate_limited", "refused", 1, true],
    ]);
  });
  const keys = ["taskid", "credential", "code", "reason", "outcome", "requests"];
});

it("logs says when it shows the newest of many, and caps what a caller made long", async () => {
  const many = Array.from({ length: 30 }, (_, i) =>
    logLine({
      start_time: new Date(Date.now() - 60_000 + i).toISOString(),
      taskid: i === 7 ? "x".repeat(300) : "1",
      path: "/".padEnd(i, "p"),
    }),
  );
  const folder = await testFolder();
  await writeFile(join(folder, "a.log"), toText(many));
  const { stdout, stderr } = await runHere(logsCommand(), [join(folder, "a.log"), "--tail", "25"]);
  expect(stderr).toBe("the newest 25 of 30 lines; --tail shows more\n");
  const rows = stdout.trimEnd().split("\n");
  expect(rows).toHaveLength(25);
  expect(new Set(rows.map((row) => row.indexOf("POST"))).size).toBe(1);
  expect(Math.max(...rows.map((row) => row.length))).toBeLessThan(230);
  expect(stdout).toContain(`search/${"x".repeat(32)}…`);
  const table = (await runHere(metricsCommand(), [join(folder, "a.log")])).stdout.split("\n");
  expect(Math.max(...table.map((row) => row.length))).toBeLessThan(200);
});

it("logs -f goes on where it was when the collector has started again", async () => {
  const folder = await testFolder();
  const port = await freePort();
  const address = { listen: { host: "127.0.0.1", port } };
  const first = await startTestCollector(folder, address);
  const client = new CollectorClient(first.url);
  const told: string[] = [];
  const lines = client.follow(
    new URLSearchParams({ limit: "10" }),
    { found: (n) => told.push(`found ${n}`), lost: () => told.push("lost"), back: () => told.push("back") },
    20,
  );
  const next = async () => ((await lines.next()).value as { path: string }).path;
  await first.post(toText([logLine({ path: "/1" })]));
  await expect.poll(() => first.requests()).toBe(1);
  expect(await next()).toBe("/1");
  await first.post(toText([logLine({ path: "/2" })]));
  expect(await next()).toBe("/2");
  await first.stop();
  const waiting = next();
  await expect.poll(() => told).toContain("lost");
  const second = await startTestCollector(folder, address);
  await second.post(toText([logLine({ path: "/3" })]));
  expect(await waiting).toBe("/3");
  expect(told).toEqual(["found 1", "lost", "back"]);
  await lines.return(undefined);
});

it("top prints plainly where there is no terminal", async () => {
  const { stdout } = await runHere(topCommand(), [file, "--sort", "errors"]);
  const rows = stdout.trimEnd().split("\n");
  expect(rows[0]).toMatch(/requests\/s {3}33\.33% errors {3}0 client errors {3}1 refused {3}by errors$/);
  expect(rows[2]).toMatch(/^TENANT +TASKID +VERSION +QPS/);
  expect(rows[3]).toMatch(/^search +1 +v1/);
  expect((await runHere(topCommand(), ["--collector", url, "--once"])).stdout).toContain("requests/s");
});

it.each([
  [
    "a collector that is not there",
    metricsCommand,
    ["--collector", "http://127.0.0.1:1"],
    "no collector answers at http://127.0.0.1:1",
  ],
  ["a file that is not there", metricsCommand, ["/no/such.log"], "/no/such.log: there is no such file"],
  ["a time that is none", logsCommand, ["--since", "noon"], "from: must be a time"],
  ["a code that is none", logsCommand, ["--code", "x"], "code: must be"],
  ["following a file", logsCommand, ["-f"], "--follow: needs a collector"],
  ["half a certificate", collectorCommand, ["--tls-key", "k"], "--tls-cert and --tls-key: give both"],
])("says what is wrong with %s", async (_, command, args, message) => {
  const hasSource = args.some((arg) => arg.startsWith("/") || arg === "--collector" || arg === "--tls-key");
  const { code, stderr } = await runHere(command(), hasSource ? args : [file, ...args]);
  expect(stderr).toContain(message);
  expect(code).toBe(1);
});

it.each(["SIGTERM", "SIGINT"] as const)("the collector ends in good order on %s", async (signal) => {
  const folder = await testFolder();
  const collector = await CollectorProcess.start(["--store", join(folder, "s")]);
  const second = CollectorProcess.start(["--store", join(folder, "s")]);
  await expect(second).rejects.toThrow("the store does not open");
  await collector.end(signal);
  expect(collector.child.exitCode).toBe(0);
});

it("the collector says who may read and send where others reach it", async () => {
  const folder = await testFolder();
  const tokens = join(folder, "tokens");
  await writeFile(tokens, "s3cret\n");
  const warnings = async (...args: string[]) => {
    const collector = await CollectorProcess.start(["--store", join(folder, "s"), ...args]);
    await collector.end("SIGTERM");
    return collector.log
      .filter((line) => line.includes('"warn"'))
      .map((line) => JSON.parse(line).msg as string);
  };
  expect(await warnings()).toEqual([]);
  expect(await warnings("--listen", "0.0.0.0:0", "--sender-token-file", tokens)).toEqual([
    "everybody who reaches the listener can read the log (no --reader-token-file, no --client-ca)",
  ]);
  expect(await warnings("--listen-batches", "0.0.0.0:0")).toEqual([
    "everybody who reaches the listener can send lines (no --sender-token-file)",
  ]);
  await expect(CollectorProcess.start(["--store", join(folder, "s"), "--client-ca", tokens])).rejects.toThrow(
    "--client-ca: needs --tls-cert and --tls-key",
  );
});

it("a signal that comes right as it starts ends the collector in good order", async () => {
  const folder = await testFolder();
  for (let i = 0; i < 6; i++) {
    const collector = await CollectorProcess.start(["--store", join(folder, "s")]);
    await collector.end("SIGTERM");
    expect(collector.child.exitCode).toBe(0);
    expect(collector.log.at(-1)).toContain("stopping");
  }
});
