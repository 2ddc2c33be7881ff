import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import protobuf from "protobufjs";
import { afterAll, expect, it } from "vitest";
import { metricsCommand } from "../../../tools/cli/commands/metrics.ts";
import { topCommand } from "../../../tools/cli/commands/top.ts";
import { monitoringFiles } from "../../../tools/dashboards/files.ts";
import { type Ended, OUTCOMES, outcomeOf, outcomeSql } from "../../../tools/lib/access-log/outcome.ts";
import { quote } from "../../../tools/servers/collector/fields.ts";
import { OUTCOMES as OF_PAGE, shareOf } from "../../../tools/servers/collector/page/outcomes.ts";
import { Database } from "../../../tools/servers/collector/store/database.ts";
import { panelExpressions, ruleExpressions } from "../../monitoring/expressions.ts";
import { logLine, toText } from "../../support/collector/log-lines.ts";
import { startTestCollector, testFolder } from "../../support/collector/start.ts";
import { runHere } from "../../support/modelgate.ts";

/** Lines as the real gateway writes them, and the class of each. */
const REAL: [string, Ended, (typeof OUTCOMES)[number]][] = [
  ["answered", { response_code: 200, decision: "allowed" }, "served"],
  ["answered, by gRPC", { response_code: 200, grpc_status: "OK", decision: "allowed" }, "served"],
  ["redirected", { response_code: 304, decision: "allowed" }, "served"],
  ["over its rate", { response_code: 429, decision: "refused", reason: "task_rate_limited" }, "refused"],
  [
    "malformed",
    { response_code: 400, grpc_status: "Internal", decision: "refused", reason: "json_malformed" },
    "refused",
  ],
  [
    "no key, by gRPC",
    { response_code: 200, grpc_status: "Unauthenticated", decision: "refused", reason: "credential_missing" },
    "refused",
  ],
  [
    "too many in flight",
    { response_code: 503, decision: "refused", reason: "task_concurrency_limited" },
    "refused",
  ],
  [
    "no such model",
    { response_code: 404, grpc_status: "Unimplemented", decision: "allowed", reason: "model_error_5" },
    "client_error",
  ],
  [
    "no such model, by gRPC",
    { response_code: 200, grpc_status: "NotFound", decision: "allowed" },
    "client_error",
  ],
  [
    "wrong shape, by gRPC",
    { response_code: 200, grpc_status: "InvalidArgument", decision: "allowed" },
    "client_error",
  ],
  [
    "a server behind the plain proxy says 404",
    { response_code: 404, grpc_status: "Unimplemented", decision: "allowed" },
    "client_error",
  ],
  [
    "caller left before an answer",
    { response_code: 0, response_flags: "DC", decision: "allowed" },
    "client_error",
  ],
  [
    "caller left, by gRPC",
    { response_code: 200, response_flags: "DC", grpc_status: "Unknown", decision: "allowed" },
    "client_error",
  ],
  [
    "no answer",
    { response_code: 503, response_flags: "UF,URX", decision: "allowed", reason: "upstream_error" },
    "server_error",
  ],
  [
    "too late",
    { response_code: 504, response_flags: "UT", decision: "allowed", reason: "upstream_error" },
    "server_error",
  ],
  [
    "model failed",
    { response_code: 500, grpc_status: "Unknown", decision: "allowed", reason: "model_error_13" },
    "server_error",
  ],
  [
    "model failed, by gRPC",
    { response_code: 200, grpc_status: "Internal", decision: "allowed" },
    "server_error",
  ],
  [
    "a status that gRPC does not know",
    { response_code: 200, grpc_status: "InvalidCode", decision: "allowed" },
    "server_error",
  ],
  ["broken off", { response_code: 200, response_flags: "UC", decision: "allowed" }, "server_error"],
  ["no code", { response_code: 0, response_flags: "-", decision: "allowed" }, "server_error"],
  ["no memory", { response_code: 503, decision: "refused", reason: "memory_exhausted" }, "server_error"],
  ["no filter", { response_code: 503, reason: "filter_missing" }, "server_error"],
];

/** What counts a class. */
const COLUMNS = {
  served: "served",
  refused: "refused",
  client_error: "client_errors",
  server_error: "errors",
} as const;

let servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close().closeAllConnections();
  servers = [];
});

it.each(REAL)("%s", (_, line, outcome) => {
  expect(outcomeOf(line)).toBe(outcome);
});

it("is the same in SQL, of any line", async () => {
  const line = fc.record(
    {
      response_code: fc.constantFrom(0, 100, 200, 204, 302, 400, 404, 429, 499, 500, 503, 599),
      response_flags: fc.constantFrom("-", "", "DC", "UC", "UF,URX", "NR", "DR,UC", "XDC", "UT"),
      grpc_status: fc.constantFrom(
        "",
        "OK",
        "Unknown",
        "NotFound",
        "Canceled",
        "Unimplemented",
        "InvalidCode",
      ),
      decision: fc.constantFrom("", "allowed", "refused", "would_refuse"),
      reason: fc.constantFrom("", "task_rate_limited", "filter_missing", "upstream_error", "model_error_5"),
    },
    { requiredKeys: [] },
  );
  const lines = [...REAL.map(([, each]) => each), ...fc.sample(line, 2_000)];
  const file = join(await testFolder(), "lines.json");
  await writeFile(file, lines.map((each) => `${JSON.stringify({ ...each, all: 1 })}\n`).join(""));
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const columns =
    "{response_code: 'INTEGER', response_flags: 'VARCHAR', grpc_status: 'VARCHAR', decision: 'VARCHAR', reason: 'VARCHAR'}";
  const rows = await connection.runAndReadAll(
    `SELECT ${outcomeSql()} AS outcome FROM read_json(${quote(file)}, columns = ${columns}, format = 'newline_delimited')`,
  );
  expect(rows.getRowObjectsJS().map(({ outcome }) => outcome)).toEqual(lines.map(outcomeOf));
});

it("goes on in a store from before callers' errors were counted", async () => {
  const folder = await testFolder();
  const first = await startTestCollector(folder);
  await first.post(toText([logLine({ response_code: 503 })]));
  await expect.poll(() => first.requests()).toBe(1);
  await first.stop();
  const old = await Database.open(join(folder, "store"));
  for (const table of ["traffic", "traffic_recent"])
    await old.use((connection) => connection.run(`ALTER TABLE ${table} DROP COLUMN client_errors`));
  old.close();
  const second = await startTestCollector(folder);
  await second.post(toText([logLine({ response_code: 404 }), logLine()]));
  await expect.poll(() => second.requests()).toBe(3);
  const [total] = (await second.traffic("from=1h&step=0&by=")).rows;
  expect(total).toMatchObject({ served: 1, refused: 0, client_errors: 1, errors: 1 });
});

it("is one count in nine places", async () => {
  const folder = await testFolder();
  const lines = REAL.flatMap(([, fields], i) =>
    Array.from({ length: i + 1 }, () => logLine({ ...fields, version: "v1" })),
  );
  const expected = { served: 0, refused: 0, client_errors: 0, errors: 0 };
  for (const line of lines) expected[COLUMNS[outcomeOf(line)]]++;
  const file = join(folder, "lines.json");
  await writeFile(file, toText(lines));
  const sent: Buffer[] = [];
  const otlp = await listening((body) => sent.push(body));
  const collector = await startTestCollector(folder, {
    exports: { otlp: { url: otlp, headers: {} } },
    otlpMetricsMs: 200,
  });
  await collector.post(toText(lines));

  // Store.
  await expect.poll(() => collector.requests()).toBe(lines.length);
  const [total] = (await collector.traffic("from=1h&step=0&by=")).rows;
  expect(total).toMatchObject(expected);
  expect(Object.values(expected).reduce((a, b) => a + b)).toBe(lines.length);

  // Page.
  const shown = OF_PAGE.map(({ field }) =>
    Math.round((shareOf(total as never, field) as number) * lines.length),
  );
  expect(shown).toEqual([expected.served, expected.refused, expected.client_errors, expected.errors]);

  // Commands, of the collector and of files.
  for (const source of [["--collector", collector.url], [file]]) {
    const json = await runHere(metricsCommand(), [...source, "--by", "", "-o", "json"]);
    expect(JSON.parse(json.stdout).rows[0]).toMatchObject(expected);
  }
  const percent = (part: number) => `${((100 * part) / lines.length).toFixed(2)}%`;
  const text = (await runHere(metricsCommand(), [file, "--by", ""])).stdout.split("\n")[1]?.split(/ {3,}/);
  expect(text?.slice(2, 5)).toEqual([expected.errors, expected.client_errors, expected.refused].map(percent));
  const top = (await runHere(topCommand(), [file])).stdout;
  expect(top).toContain(`${percent(expected.errors)} errors`);

  // Prometheus, and with it alerts and dashboards.
  const metric = async (name: string) => {
    const page = await (await fetch(`${collector.url}/metrics`)).text();
    const found = [...page.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, "gm"))];
    return found.reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const counters = {
    served: "modelgate_served_total",
    refused: "modelgate_refused_total",
    client_errors: "modelgate_client_errors_total",
    errors: "modelgate_errors_total",
  };
  await expect.poll(() => metric("modelgate_requests_total")).toBe(lines.length);
  for (const [name, counter] of Object.entries(counters))
    expect(await metric(counter), counter).toBe(expected[name as keyof typeof expected]);
  const burn = ruleExpressions().filter(({ name }) => name.startsWith("modelgate:error_ratio:"));
  expect(burn).toHaveLength(7);
  for (const { expr } of burn)
    expect(expr.match(/modelgate_\w+/g)).toEqual([counters.errors, "modelgate_requests_total"]);
  const files = await monitoringFiles();
  for (const dashboard of ["fleet", "tenant", "task"]) {
    const panel = panelExpressions(files).filter(
      ({ name }) => name === `grafana/${dashboard}.json Requests by outcome`,
    );
    expect(panel.map(({ expr }) => /modelgate_\w+/.exec(expr)?.[0])).toEqual(Object.values(counters));
    const documents = files.get(`grafana/${dashboard}-elasticsearch.json`);
    expect(documents).toContain('"title": "Requests a minute by outcome"');
    expect(documents).toContain('outcome.keyword:\\"refused\\"');
  }

  // OTLP.
  await expect
    .poll(() => otlpSums(sent.at(-1)))
    .toMatchObject({
      "modelgate.served": expected.served,
      "modelgate.refused": expected.refused,
      "modelgate.client_errors": expected.client_errors,
      "modelgate.errors": expected.errors,
      "modelgate.requests": lines.length,
    });

  // The stream job; npm run test:flink runs it.
  expect(await readFile("manifests/stream/traffic-metrics.sql", "utf8")).toContain(
    `${outcomeSql()} AS outcome`,
  );
  const page = await readFile("docs/concepts/outcomes.md", "utf8");
  for (const name of [...OUTCOMES, ...Object.values(counters)]) expect(page).toContain(`\`${name}\``);
});

async function listening(onBody: (body: Buffer) => void): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url === "/v1/metrics") onBody(Buffer.concat(chunks));
    response.end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Of opentelemetry/proto/metrics/v1/metrics.proto what sums need. */
const { root } = protobuf.parse(`syntax = "proto3";
message Request { repeated Resource resource_metrics = 1; }
message Resource { repeated Scope scope_metrics = 2; }
message Scope { repeated Metric metrics = 2; }
message Metric { string name = 1; Sum sum = 7; }
message Sum { repeated Point data_points = 1; }
message Point { double as_double = 4; }`);

function otlpSums(body: Buffer | undefined): Record<string, number> {
  if (body === undefined) return {};
  const request = root.lookupType("Request").decode(body) as unknown as {
    resourceMetrics: {
      scopeMetrics: { metrics: { name: string; sum?: { dataPoints: { asDouble: number }[] } }[] }[];
    }[];
  };
  const metrics = request.resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap((each) => each.metrics),
  );
  return Object.fromEntries(
    metrics.flatMap(({ name, sum }) =>
      sum ? [[name, sum.dataPoints.reduce((all, { asDouble }) => all + asDouble, 0)]] : [],
    ),
  );
}
