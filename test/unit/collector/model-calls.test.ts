/** Calls to language models in the collector: tokens, money, times of tokens. */
import { readdir, rename, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { Registry } from "prom-client";
import protobuf from "protobufjs";
import { afterAll, expect, it } from "vitest";
import { logsCommand } from "../../../tools/cli/commands/logs.ts";
import { metricsCommand } from "../../../tools/cli/commands/metrics.ts";
import { topCommand } from "../../../tools/cli/commands/top.ts";
import { LogText } from "../../../tools/cli/output/log-text.ts";
import { monitoringFiles } from "../../../tools/dashboards/files.ts";
import { GENAI_METRICS } from "../../../tools/lib/access-log/genai.ts";
import { MODEL_CALL_FIELDS } from "../../../tools/lib/envoy/log-fields.ts";
import { budgetMetrics } from "../../../tools/servers/budgets/budget-metrics.ts";
import { quote } from "../../../tools/servers/collector/fields.ts";
import type { Budget } from "../../../tools/servers/collector/query/budgets.ts";
import type { ModelTraffic } from "../../../tools/servers/collector/query/model-traffic.ts";
import { querySpend, type Spend } from "../../../tools/servers/collector/query/spend.ts";
import { queryTraffic } from "../../../tools/servers/collector/query/traffic.ts";
import { RELATIVE_ACCURACY } from "../../../tools/servers/collector/sketch.ts";
import { Committer } from "../../../tools/servers/collector/store/commit.ts";
import { Database } from "../../../tools/servers/collector/store/database.ts";
import { MODEL_TABLES } from "../../../tools/servers/collector/store/model-calls.ts";
import { rollUpModelCalls } from "../../../tools/servers/collector/store/model-tables.ts";
import { panelExpressions, ruleExpressions } from "../../monitoring/expressions.ts";
import { logLine, modelCall, toText } from "../../support/collector/log-lines.ts";
import { startTestCollector, testFolder } from "../../support/collector/start.ts";
import { runHere } from "../../support/modelgate.ts";
import { random } from "../../support/random.ts";

it("goes on in a store from before they were told apart", async () => {
  const folder = await testFolder();
  const first = await startTestCollector(folder);
  await first.post(toText([logLine({ request_id: "old" })]));
  await expect.poll(() => first.requests()).toBe(1);
  await first.stop();
  const old = await Database.open(join(folder, "store"));
  for (const table of [...MODEL_TABLES, "model_calls_recent", "model_sketch_recent"])
    await old.use((connection) => connection.run(`DROP TABLE ${table}`));
  old.close();
  await withoutColumns(join(folder, "store", "logs"), MODEL_CALL_FIELDS);
  const second = await startTestCollector(folder);
  expect(await second.logs("from=1h")).toEqual([expect.objectContaining({ request_id: "old" })]);
  await second.post(toText([modelCall({ request_id: "new" })]));
  await expect.poll(() => second.requests()).toBe(2);
  const [all] = (await second.traffic("from=1h&step=0&by=")).rows;
  expect(all?.models).toMatchObject({ calls: 1, output_tokens: 20, costs: { EUR: 700 } });
  // Without a collector the same files are read.
  const files = join(folder, "store", "logs", "*", "*.parquet");
  const offline = await runHere(logsCommand(), [files, "-o", "json"]);
  expect(offline.stdout.trim().split("\n")).toHaveLength(2);
  const lines = await second.logs("from=1h");
  expect(lines.map(({ request_id, output_tokens }) => [request_id, output_tokens])).toEqual([
    ["old", undefined],
    ["new", 20],
  ]);
});

const HOUR = 3_600_000;

/** Lines of two tasks, three credentials and five hours, some of them no calls of language models. */
function mixedLines(): Record<string, unknown>[] {
  const { next } = random();
  const whole = (most: number) => Math.floor(next() * most);
  const now = Date.now();
  return Array.from({ length: 900 }, () => {
    const of = { credential: `app-${whole(3)}`, start_time: new Date(now - whole(5 * HOUR)).toISOString() };
    if (whole(4) === 0) return logLine({ ...of, taskid: "666" });
    const input = whole(5_000);
    const output = whole(900);
    const streams = whole(3) > 0;
    const isCut = whole(10) === 0;
    return modelCall({
      ...{ ...of, taskid: whole(2) ? "llm" : "llm-2", duration: 50 + whole(20_000) },
      path: ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses"][whole(4)],
      ...{
        input_tokens: input,
        cached_tokens: whole(input),
        output_tokens: output,
        reasoning_tokens: whole(output),
      },
      time_to_first_token_us: streams ? 1_000 + whole(2_000_000) : undefined,
      time_per_output_token_us: streams ? whole(80_000) : undefined,
      ...{ usage: isCut ? "estimated" : "reported", aborted: isCut ? "caller" : undefined },
      ...(whole(8) === 0
        ? { cost_micros: undefined, currency: undefined }
        : { cost_micros: whole(1e6), currency: whole(5) ? "EUR" : "USD" }),
    });
  });
}

const COUNTED = ["input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"] as const;
type Line = Record<string, unknown>;
const sumOf = (lines: Line[], name: string) =>
  lines.reduce((sum, line) => sum + ((line[name] as number | undefined) ?? 0), 0);

/** What a plain count of calls gives, in the form of the collector's answers. */
function counted(calls: Line[]): object {
  const currencies = ["EUR", "USD"].map((currency) => [
    currency,
    sumOf(
      calls.filter((line) => line.currency === currency),
      "cost_micros",
    ),
  ]);
  return {
    calls: calls.length,
    ...Object.fromEntries(COUNTED.map((name) => [name, sumOf(calls, name)])),
    estimated: calls.filter(({ usage }) => usage === "estimated").length,
    aborted: calls.filter(({ aborted }) => aborted).length,
    costs: Object.fromEntries(currencies.filter(([, micros]) => micros !== 0)),
  };
}

/** The percentile of the field, in milliseconds, and as far as a sketch may be off. */
function near(calls: Line[], name: string, quantile: number) {
  const values = calls
    .flatMap((line) => (line[name] === undefined ? [] : [line[name] as number]))
    .toSorted((a, b) => a - b);
  const exact = (values[Math.floor(quantile * (values.length - 1))] as number) / 1_000;
  return { least: exact * (1 - RELATIVE_ACCURACY) - 1e-9, most: exact * (1 + RELATIVE_ACCURACY) + 1e-9 };
}

function expectPercentiles(found: ModelTraffic | undefined, calls: Line[]): void {
  for (const name of ["time_to_first_token", "time_per_output_token"] as const) {
    // Few calls may have no stream among them.
    if (calls.every((line) => line[`${name}_us`] === undefined)) {
      expect(found).not.toHaveProperty(name);
      continue;
    }
    for (const [percentile, quantile] of Object.entries({ p50: 0.5, p90: 0.9, p99: 0.99 })) {
      const { least, most } = near(calls, `${name}_us`, quantile);
      const value = found?.[name]?.[percentile as "p50"];
      expect(value, `${name} ${percentile}`).toBeGreaterThanOrEqual(least);
      expect(value, `${name} ${percentile}`).toBeLessThanOrEqual(most);
    }
  }
}

it("tokens, money and times are one count in every place", async () => {
  const lines = mixedLines();
  const calls = lines.filter(({ usage }) => usage);
  const folder = await testFolder();
  const sent: Buffer[] = [];
  const otlp = await listening((body) => sent.push(body));
  const collector = await startTestCollector(folder, {
    ...{ exports: { otlp: { url: otlp, headers: {} } }, otlpMetricsMs: 200 },
  });
  for (let at = 0; at < lines.length; at += 450) await collector.post(toText(lines.slice(at, at + 450)));
  await expect.poll(() => collector.requests()).toBe(lines.length);

  // Store: as traffic is told apart, by fields of the lines, and by the hour.
  const [all] = (await collector.traffic("from=7h&step=0&by=")).rows;
  expect(all?.models).toMatchObject(counted(calls));
  expectPercentiles(all?.models, calls);
  for (const { taskid, credential, models } of (await collector.traffic("from=7h&step=0&by=task,credential"))
    .rows) {
    const own = calls.filter((line) => line.taskid === taskid && line.credential === credential);
    if (taskid === "666") expect(models).toBeUndefined();
    else expect(models).toMatchObject(counted(own));
  }
  const spend = await collector.json<Spend>("/api/v1/spend?from=7h&step=1h&by=tenant,task,credential");
  expect(spend.rows.length).toBeGreaterThan(20);
  expect(spend.rows.reduce((sum, row) => sum + row.calls, 0)).toBe(calls.length);
  for (const { time, taskid, credential, ...models } of spend.rows) {
    const from = Date.parse(time ?? "");
    const own = calls.filter((line) => {
      const at = Date.parse(line.start_time as string);
      return line.taskid === taskid && line.credential === credential && at >= from && at < from + HOUR;
    });
    expect(models).toMatchObject(counted(own));
    expectPercentiles(models, own);
  }

  // Commands, of the collector and of files.
  const file = join(folder, "lines.json");
  await writeFile(file, toText(lines));
  for (const source of [["--collector", collector.url, "--since", "7h"], [file]]) {
    const json = await runHere(metricsCommand(), [...source, "--by", "", "-o", "json"]);
    expect(JSON.parse(json.stdout).rows[0].models).toMatchObject(counted(calls));
  }
  const table = (await runHere(metricsCommand(), [file, "--by", "task"])).stdout.split("\n");
  expect(table[0]).toMatch(/TOKENS IN +TOKENS OUT +FIRST TOKEN P50 +FIRST TOKEN P99 +PER TOKEN P50 +COST$/);
  const ofTask = table.find((row) => row.startsWith("llm-2 "));
  expect(ofTask).toContain(
    ` ${sumOf(
      calls.filter(({ taskid }) => taskid === "llm-2"),
      "output_tokens",
    )} `,
  );
  expect(ofTask).toMatch(/ EUR \+ [\d.]+ USD$/);
  const top = (await runHere(topCommand(), [file, "--by", "task", "--sort", "tokens"])).stdout;
  expect(top).toContain("PER TOKEN P50");
  expect(top.indexOf("\n666")).toBeGreaterThan(top.indexOf("\nllm"));

  // Prometheus.
  const page = await (await fetch(`${collector.url}/metrics`)).text();
  const metric = (name: string, ...labels: string[]) =>
    [...page.matchAll(new RegExp(`^${name}\\{(.*)\\} (\\S+)$`, "gm"))]
      .filter(([, found = ""]) => labels.every((label) => found.includes(label)))
      .reduce((sum, [, , value]) => sum + Number(value), 0);
  for (const type of ["input", "cached", "output", "reasoning"])
    expect(metric("modelgate_tokens_total", `type="${type}"`)).toBe(sumOf(calls, `${type}_tokens`));
  const cost = { EUR: metric("modelgate_cost_micros_total", 'currency="EUR"') };
  expect(counted(calls)).toMatchObject({ costs: cost });
  expect(metric("modelgate_model_calls_total")).toBe(calls.length);
  const reported = calls.filter(({ usage }) => usage === "reported");
  const genAi = 'gen_ai_provider_name="openai"';
  for (const type of ["input", "output"]) {
    const ofType = [genAi, `gen_ai_token_type="${type}"`];
    expect(metric("gen_ai_client_token_usage_sum", ...ofType)).toBe(sumOf(reported, `${type}_tokens`));
    expect(metric("gen_ai_client_token_usage_count", ...ofType)).toBe(reported.length);
  }
  const streams = calls.filter((line) => line.time_to_first_token_us !== undefined);
  expect(metric("gen_ai_server_time_to_first_token_seconds_count", genAi)).toBe(streams.length);
  expect(metric("gen_ai_server_time_to_first_token_seconds_sum")).toBeCloseTo(
    sumOf(streams, "time_to_first_token_us") / 1e6,
    6,
  );
  expect(metric("gen_ai_server_request_duration_seconds_count", 'operation_name="embeddings"')).toBe(
    calls.filter(({ path }) => path === "/v1/embeddings").length,
  );

  // OTLP.
  const otlpTold = () => otlpCounts(sent.at(-1));
  await expect
    .poll(() => otlpTold()["modelgate.tokens"])
    .toBe(
      ["input", "cached", "output", "reasoning"].reduce(
        (sum, type) => sum + sumOf(calls, `${type}_tokens`),
        0,
      ),
    );
  expect(otlpTold()).toMatchObject({
    [GENAI_METRICS.tokens.name]: 2 * reported.length,
    [GENAI_METRICS.duration.name]: calls.length,
    [GENAI_METRICS.time_to_first_token_us.name]: streams.length,
    [GENAI_METRICS.time_per_output_token_us.name]: streams.length,
    "modelgate.cost_micros": sumOf(calls, "cost_micros"),
  });

  // Dashboards and alerts go by these metrics; npm run test:flink compares the stream job's numbers with the collector's.
  const files = await monitoringFiles();
  for (const scope of ["fleet", "tenant", "task"]) {
    const used = panelExpressions(files)
      .filter(({ name }) => name.startsWith(`grafana/${scope}.json`))
      .flatMap(({ expr }) => expr.match(/(?:modelgate|gen_ai)_\w+/g) ?? []);
    expect(used).toEqual(
      expect.arrayContaining([
        ...["modelgate_tokens_total", "modelgate_cost_micros_total", "modelgate_budget_used_percent"],
        ...[
          "gen_ai_server_time_to_first_token_seconds_bucket",
          "gen_ai_server_time_per_output_token_seconds_bucket",
        ],
      ]),
    );
    expect(files.get(`grafana/${scope}-elasticsearch.json`)).toContain('"field": "reasoning_tokens"');
  }
  expect(ruleExpressions().map(({ name }) => name)).toEqual(
    expect.arrayContaining(["ModelgateBudgetWarning", "ModelgateBudgetSpent", "ModelgateFirstTokenSlow"]),
  );
});

it("spend stays what it was when rows come together, and traffic in whole minutes", async () => {
  const folder = await testFolder();
  const database = await Database.open(folder);
  const connection = await database.connect();
  const lines = mixedLines();
  await writeFile(join(folder, "batch.ndjson"), toText(lines));
  const calls = lines.filter(({ usage }) => usage);
  const committer = await Committer.open(await database.connect(), { folder, keepMs: 7 * 24 * HOUR });
  for (let at = 0; at < lines.length; at += 150) {
    await writeFile(join(folder, "batch.ndjson"), toText(lines.slice(at, at + 150)));
    await committer.commit({ path: join(folder, "batch.ndjson"), offsets: [], ended: [], tooLong: 0 });
  }
  const range = { from: Date.now() - 7 * HOUR, to: Date.now() + HOUR };
  const question = { range, filters: {}, by: [], step: 0 };
  const rows = async () => (await connection.row<{ n: number }>("SELECT count(*)::DOUBLE AS n FROM spend")).n;
  const before = await rows();
  await rollUpModelCalls(connection, Date.now() - 10 * 60_000);
  expect(await rows()).toBeLessThan(before);
  const [spent] = (await querySpend(connection, question)).rows;
  const [traffic] = (await queryTraffic(connection, question)).rows;
  for (const models of [spent, traffic?.models]) {
    expect(models).toMatchObject(counted(calls));
    expectPercentiles(models, calls);
  }
  database.close();
});

it("budgets are those that the controllers tell of that answer, of the tenants that are asked for", async () => {
  const registry = new Registry();
  const account = { amount: 1_000, added: 500, spent: 1_230, unknown: 0, leases: {} };
  const accounts = { 'monthly/a"b': account, daily: { ...account, spent: 10 } };
  const ledgers = () => new Map([["search", { state: { accounts } }]]);
  budgetMetrics(registry, { ledgers, watch: () => {} } as never, () => true);
  const leader = await listening(
    () => {},
    () => registry.metrics(),
  );
  const follower = await listening(() => {});
  const controllerUrls = [follower, leader, "http://127.0.0.1:1"];
  const collector = await startTestCollector(await testFolder(), { controllerUrls });
  const { budgets } = await collector.json<{ budgets: Budget[] }>("/api/v1/budgets?tenant=search");
  expect(budgets).toEqual([
    { tenant: "search", budget: 'monthly/a"b', limit: 1_500, spent: 1_230, used_percent: 82 },
    { tenant: "search", budget: "daily", limit: 1_500, spent: 10, used_percent: expect.any(Number) },
  ]);
  expect(await collector.json("/api/v1/budgets?tenant=ads")).toEqual({ budgets: [] });
});

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close().closeAllConnections();
});

async function listening(onBody: (body: Buffer) => void, answer = async () => ""): Promise<string> {
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    if (request.url === "/v1/metrics") onBody(body);
    response.end(await answer());
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Of opentelemetry/proto/metrics/v1/metrics.proto what sums and counts need. */
const { root } = protobuf.parse(`syntax = "proto3";
message Request { repeated Resource resource_metrics = 1; }
message Resource { repeated Scope scope_metrics = 2; }
message Scope { repeated Metric metrics = 2; }
message Metric { string name = 1; Sum sum = 7; Histogram histogram = 9; }
message Sum { repeated Point data_points = 1; }
message Point { double as_double = 4; }
message Histogram { repeated Bars data_points = 1; }
message Bars { fixed64 count = 4; }`);

interface Told {
  name: string;
  sum?: { dataPoints: { asDouble: number }[] };
  histogram?: { dataPoints: { count: unknown }[] };
}

/** Of each metric the sum of its points, of a histogram how many values it has. */
function otlpCounts(body: Buffer | undefined): Record<string, number> {
  if (body === undefined) return {};
  const { resourceMetrics } = root.lookupType("Request").decode(body) as unknown as {
    resourceMetrics: { scopeMetrics: { metrics: Told[] }[] }[];
  };
  const metrics = resourceMetrics.flatMap((each) => each.scopeMetrics.flatMap((scope) => scope.metrics));
  return Object.fromEntries(
    metrics.map(({ name, sum, histogram }) => {
      const values =
        sum?.dataPoints.map(({ asDouble }) => asDouble) ??
        histogram?.dataPoints.map(({ count }) => Number(count)) ??
        [];
      return [name, values.reduce((all, value) => all + value, 0)];
    }),
  );
}

/** Makes the Parquet files those of a version that had no such columns. */
async function withoutColumns(folder: string, columns: readonly string[]): Promise<void> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    await connection.run(
      `COPY (SELECT * EXCLUDE (${columns.join(", ")}) FROM read_parquet(${quote(path)})) TO ${quote(`${path}.old`)} (FORMAT parquet)`,
    );
    await rename(`${path}.old`, path);
  }
}

it("lines of logs tell what a call took, and have no room for it where there is none", () => {
  const text = new LogText(undefined);
  const plain = text.line(logLine({ request_id: "1" }));
  expect(plain).not.toContain(" in, ");
  const call = modelCall({
    usage: "estimated",
    aborted: "caller",
    budget_warning: "monthly:80",
    finish_reason: undefined,
  });
  expect(text.line(call)).toContain(
    "~100 in, ~20 out, first 120ms, 0.0007 EUR, aborted by caller, budget monthly:80%",
  );
});
