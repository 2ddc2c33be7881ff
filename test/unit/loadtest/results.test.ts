import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadtestCommand } from "../../../tools/cli/commands/loadtest.ts";
import type { Step } from "../../../tools/serving/loadtest/capacity.ts";
import { recordedArrivals } from "../../../tools/serving/loadtest/replay.ts";
import { htmlReport, stepsTable, svgReport, terminalReport } from "../../../tools/serving/loadtest/report.ts";
import { compareRuns, readRun, savedRun, saveRun } from "../../../tools/serving/loadtest/saved-run.ts";
import { sizedRequests } from "../../../tools/serving/loadtest/sized-requests.ts";
import { tasksOfFiles } from "../../../tools/serving/loadtest/task-store.ts";
import { Child } from "../../support/child.ts";
import { runHere } from "../../support/modelgate.ts";

const folder = await mkdtemp(join(tmpdir(), "modelgate-loadtest-"));
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const step = (rate: number, p99: number, held = true): Step => ({
  ...{
    rate,
    answered: rate,
    p50: p99 / 2,
    p90: p99,
    p99,
    p999: p99,
    mean: p99 / 2,
    max: p99,
    sent: 100,
    failed: 0,
  },
  ...{ lateness: 1, breaches: held ? [] : [`p99 ${p99} ms > 200 ms`] },
});

const run = (capacity: number, p99 = 100) =>
  savedRun(
    {
      rate: capacity,
      knee: step(capacity, p99),
      isFound: true,
      steps: [step(10, 20), step(capacity, p99), step(capacity * 2, 900, false)],
    },
    { task: "ranking<1>", slo: "p99=200ms,errors=0.1%", replicas: 2 },
  );

const head =
  "apiVersion: modelgate.dev/v1alpha1\nkind: ModelTask\nmetadata: { name: ranking }\nspec:\n  taskid: '6' # id\n  tenant: a\n  service: { name: s }\n";

describe("results", () => {
  it("are kept and read again", async () => {
    const path = join(folder, "run.json");
    await saveRun(path, run(100));
    expect(await readRun(path)).toMatchObject({ capacity: 100, replicas: 2 });
    await expect(readRun(await file("other.json", "{}"))).rejects.toThrow("is not a load test");
    await expect(readRun(join(folder, "absent"))).rejects.toThrow("cannot be read");
  });

  it("are compared by replica", () => {
    const { change, rows } = compareRuns(run(100), run(80, 150));
    expect(change).toBeCloseTo(-0.2);
    expect(rows[0]).toEqual(["requests a second per replica", "50.0", "40.0", "-20.0 %"]);
    expect(rows[2]).toEqual(["p99 there", "100.0 ms", "150.0 ms", "+50.0 %"]);
  });

  it("are drawn", () => {
    expect(stepsTable(run(100))).toContain("p99 900 ms > 200 ms");
    expect(terminalReport(run(100))).toMatch(/x[\s\S]*o[\s\S]*requests\/s/);
    expect(svgReport(run(100), run(120))).toContain("p99 of the baseline");
    expect(htmlReport(run(100))).toContain("ranking&lt;1>");
  });
});

describe("replay", () => {
  const line = (time: string, taskid = "666", decision = "allowed") =>
    JSON.stringify({ start_time: `2026-11-25T10:00:${time}Z`, taskid, decision });

  it("sends a task's requests as they came", async () => {
    const lines = [
      line("01.000"),
      line("00.500"),
      line("00.600", "667"),
      line("00.700", "666", "refused"),
      '{"start_time":"2026-11-25T10:00:00.8Z","taskid":"666","reason":"no_route"}',
      "",
      line("02.500"),
    ];
    const path = await file("access.ndjson", `${lines.join("\n")}\n`);
    expect((await recordedArrivals(path, "666", 1)).map(({ at }) => at)).toEqual([0, 500, 2000]);
    expect((await recordedArrivals(path, "666", 2)).map(({ at }) => at)).toEqual([0, 250, 1000]);
    await expect(recordedArrivals(path, "1", 1)).rejects.toThrow("has no request of task 1");
  });

  it("makes requests as large as those that came, few kinds of them", async () => {
    const made: number[] = [];
    const make = async (batch: number) => {
      made.push(batch);
      return {
        protocol: "grpc",
        method: "POST",
        path: `${batch}`,
        headers: {},
        payload: Buffer.alloc(40 + batch * 32),
      } as const;
    };
    const requests = await sizedRequests([32, 33, 1000, 1100, undefined, 64, 0], make);
    expect(requests.map(({ path }) => Number(path))).toEqual([1, 1, 32, 32, 1, 2, 1]);
    expect(made).toEqual([1, 2, 32]);
  });

  it("names the line at fault", async () => {
    await expect(recordedArrivals(await file("a", `${line("01.0")}\n12\n`), "666", 1)).rejects.toThrow(
      "a:2: is not a line",
    );
    await expect(recordedArrivals(await file("b", '{"taskid":"666"}'), "666", 1)).rejects.toThrow(
      "b:1: start_time",
    );
  });
});

describe("limits.perReplica", () => {
  const write = async (limits: string) => {
    const path = await file("task.yaml", head + limits);
    const store = await tasksOfFiles([path], false);
    await store.writePerReplica(store.tasks[0] as never, 42);
    return (await readFile(path, "utf8")).slice(head.length);
  };

  it.each([
    ["stands alone", "", "  limits:\n    perReplica: 42\n"],
    [
      "is changed, comments kept",
      "  limits: # from tests\n    perReplica: 7 # old\n    burst: 9\n",
      "  limits: # from tests\n    perReplica: 42 # old\n    burst: 9\n",
    ],
    [
      "takes the place of requestsPerSecond",
      "  limits: { requestsPerSecond: 5, burst: 9 }\n",
      "  limits: { perReplica: 42, burst: 9 }\n",
    ],
    [
      "takes its place, comments kept",
      "  limits:\n    # measured in May\n    requestsPerSecond: 5 # all\n    # the cap\n    maxInFlightPerReplica: 4\n",
      "  limits:\n    # measured in May\n    perReplica: 42 # all\n    # the cap\n    maxInFlightPerReplica: 4\n",
    ],
  ])("%s", async (_name, before, after) => {
    expect(await write(before)).toBe(after);
  });

  it.each([
    ["", "  limits:\n    perReplica: 42\n  openai:\n    tokenLimits:\n      perReplica: 900\n"],
    [
      "  openai:\n    models: [a]\n",
      "  openai:\n    models: [a]\n    tokenLimits:\n      perReplica: 900\n  limits:\n    perReplica: 42\n",
    ],
    [
      "  openai:\n    tokenLimits: { tokensPerSecond: 5, burst: 9 }\n",
      "  openai:\n    tokenLimits: { perReplica: 900, burst: 9 }\n  limits:\n    perReplica: 42\n",
    ],
  ])("of a language model has its tokens beside it: %j", async (before, after) => {
    const own = `${head}  protocol: openai\n`;
    const path = await file("task.yaml", own + before);
    const store = await tasksOfFiles([path], false);
    await store.writePerReplica(store.tasks[0] as never, 42, 900);
    expect((await readFile(path, "utf8")).slice(own.length)).toBe(after);
  });

  it("is written into the task of that namespace", async () => {
    const twin = head.replace("name: ranking", "name: ranking, namespace: b").replace("'6'", "'7'");
    const path = await file("twins.yaml", `${head}---\n${twin}`);
    const store = await tasksOfFiles([path], false);
    await store.writePerReplica(store.tasks[1] as never, 42);
    expect(await readFile(path, "utf8")).toBe(`${head}---\n${twin}  limits:\n    perReplica: 42\n`);
  });
});

describe("modelgate loadtest", () => {
  const task = (port: string) =>
    `${head}  workload: { port: ${port} }\n  warmUp:\n    request: { method: /inference.GRPCInferenceService/ModelInfer }\n`;

  it("searches, keeps, compares, draws and replays", async () => {
    const model = Child.model(0, 100, 1);
    const path = await file("served.yaml", task(await model.printed(/^(\d+)$/)));
    const [save, svg] = [join(folder, "kept.json"), join(folder, "plot.svg")];
    const flags = ["-f", path, "--slo", "p99=30s", "--duration", "200ms", "--from", "10", "--max-rate", "20"];
    const first = await runHere(loadtestCommand(), ["ranking", ...flags, "--save", save]);
    expect(first).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("at least 20.0 requests a second per replica"),
    });
    expect(first.stderr).toContain("steps of 200 ms are short");
    const second = await runHere(loadtestCommand(), [
      ...flags,
      "--baseline",
      save,
      "--report",
      svg,
      "--write",
    ]);
    expect(second.stdout).toMatch(/requests a second per replica +20.0 +20.0 +\+0.0 %/);
    expect(second).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("--write: the capacity was not found"),
    });
    expect(await readFile(svg, "utf8")).toContain("p99 of the baseline");
    const log = await file(
      "log",
      `{"start_time":"2026-11-25T10:00:00.000Z","taskid":"6"}\n{"start_time":"2026-11-25T10:00:00.100Z","taskid":"6"}\n`,
    );
    const replay = await runHere(loadtestCommand(), ["-f", path, "--slo", "p99=30s", "--replay", log]);
    expect(replay).toMatchObject({ code: 0, stdout: expect.stringContaining("2 requests in 0.1 s") });
    await model.stop();
  });

  it.each([
    [["--precision", "0"], "must be 0.1 or more"],
    [["--slo", "p0=5ms"], "must be such as p99=200ms"],
    [["-f", "-", "--write"], "--write: stdin can't be edited"],
  ])("refuses %j", async (flags, message) => {
    expect(await runHere(loadtestCommand(), flags)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(message),
    });
  });

  it("writes what it found", async () => {
    // One slot of 50 ms: overload breaks the objective within any step, however busy the machine is.
    const model = Child.model(0, 1, 50);
    const path = await file("slow.yaml", task(await model.printed(/^(\d+)$/)));
    const flags = [
      "--slo",
      "p99=1s",
      "--from",
      "1",
      "--growth",
      "50",
      "--precision",
      "99",
      "--duration",
      "1s",
      "--write",
    ];
    const { stdout } = await runHere(loadtestCommand(), ["-f", path, ...flags]);
    expect(stdout).toContain(`limits.perReplica: 1 written into ${path}`);
    expect(await readFile(path, "utf8")).toContain("limits:\n    perReplica: 1\n");
    await model.stop();
  });
});
