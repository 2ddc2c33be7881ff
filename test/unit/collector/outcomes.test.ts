import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { type Ended, type OUTCOMES, outcomeOf, outcomeSql } from "../../../tools/lib/access-log/outcome.ts";
import { quote } from "../../../tools/servers/collector/fields.ts";
import { Database } from "../../../tools/servers/collector/store/database.ts";
import { logLine, toText } from "../../support/collector/log-lines.ts";
import {
  COLUMNS,
  expectInNinePlaces,
  type Outcomes,
  startOtlpReceiver,
} from "../../support/collector/nine-places.ts";
import { startTestCollector, testFolder } from "../../support/collector/start.ts";

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
  const expected: Outcomes = { served: 0, refused: 0, client_errors: 0, errors: 0 };
  for (const line of lines) expected[COLUMNS[outcomeOf(line)]]++;
  const file = join(folder, "lines.json");
  await writeFile(file, toText(lines));
  const otlp = await startOtlpReceiver();
  onTestFinished(otlp.stop);
  const collector = await startTestCollector(folder, {
    exports: { otlp: { url: otlp.url, headers: {} } },
    otlpMetricsMs: 200,
  });
  await collector.post(toText(lines));

  await expectInNinePlaces(expected, { collector, file, otlp });
});
