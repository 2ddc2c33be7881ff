/** Calls to language models in the collector: tokens, money, times of tokens. */
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, it } from "vitest";
import { MODEL_CALL_FIELDS } from "../../../tools/lib/envoy/log-fields.ts";
import { quote } from "../../../tools/servers/collector/fields.ts";
import { logLine, modelCall, toText } from "../../support/collector/log-lines.ts";
import { startTestCollector, testFolder } from "../../support/collector/start.ts";

it("goes on in a store from before they were told apart", async () => {
  const folder = await testFolder();
  const first = await startTestCollector(folder);
  await first.post(toText([logLine({ request_id: "old" })]));
  await expect.poll(() => first.requests()).toBe(1);
  await first.stop();
  await withoutColumns(join(folder, "store", "logs"), MODEL_CALL_FIELDS);
  const second = await startTestCollector(folder);
  expect(await second.logs("from=1h")).toEqual([expect.objectContaining({ request_id: "old" })]);
  await second.post(toText([modelCall({ request_id: "new" })]));
  await expect.poll(() => second.requests()).toBe(2);
  const lines = await second.logs("from=1h");
  expect(lines.map(({ request_id, output_tokens }) => [request_id, output_tokens])).toEqual([
    ["old", undefined],
    ["new", 20],
  ]);
});

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
