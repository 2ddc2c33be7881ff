import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeEach, describe, expect, it } from "vitest";
import { collectorCommand } from "../../../tools/cli/commands/collector.ts";
import { logsCommand } from "../../../tools/cli/commands/logs.ts";
import { metricsCommand } from "../../../tools/cli/commands/metrics.ts";
import { topCommand } from "../../../tools/cli/commands/top.ts";
import { logLine, toText } from "../../support/collector/log-lines.ts";
import { CollectorProcess } from "../../support/collector/process.ts";
import { startTestCollector, testFolder } from "../../support/collector/start.ts";
import { runHere } from "../../support/modelgate.ts";

const LINES = [
  logLine({ taskid: "1", duration: 10 }),
  logLine({ taskid: "1", duration: 900, response_code: 503, path: "/slow" }),
  logLine({
    taskid: "2",
    tenant: "maps",
    response_code: 429,
    decision: "refused",
    reason: "task_rate_limited",
  }),
];

let url: string;
let file: string;
beforeEach(async () => {
  const folder = await testFolder();
  file = join(folder, "lines.json.gz");
  await writeFile(file, gzipSync(toText(LINES)));
  const collector = await startTestCollector(folder);
  await collector.post(toText(LINES));
  await expect.poll(() => collector.requests()).toBe(3);
  url = collector.url;
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
    expect(stdout).toMatch(/^\S+Z {2}503 {2}900ms {2}search\/1@v1 {2}POST {2}\/slow\n$/);
    const json = await runHere(logsCommand(), [...source(), "--code", "4xx", "-o", "json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ reason: "task_rate_limited", phases: { rate_limit: 2 } });
  });
});

it("top prints plainly where there is no terminal", async () => {
  const { stdout } = await runHere(topCommand(), [file, "--sort", "errors"]);
  const rows = stdout.trimEnd().split("\n");
  expect(rows[0]).toMatch(/requests\/s {3}33\.33% errors {3}1 refused {3}by errors$/);
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
    "everybody who reaches the listener can read the log (no --client-ca)",
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
