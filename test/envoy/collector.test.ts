import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { toText } from "../support/collector/log-lines.ts";
import { startTestCollector, testFolder } from "../support/collector/start.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

const BODY = JSON.stringify({
  inputs: [{ name: "x", shape: [1, 8], datatype: "FP32", data: [1, 2, 3, 4, 5, 6, 7, 8] }],
});

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway?.stop());

it("the collector counts what the real Envoy logs", async () => {
  const path = "/v2/models/linear/infer";
  for (let i = 0; i < 5; i++) await gateway.post(path, BODY);
  for (let i = 0; i < 2; i++) await gateway.post(path, BODY, { "x-api-key": "wrong" });
  await gateway.post(path, BODY, { taskid: "gone" });
  await expect.poll(async () => (await gateway.logged(() => true)).length, { timeout: 10_000 }).toBe(8);
  const folder = await testFolder();
  await writeFile(join(folder, "a.log"), toText(await gateway.logged(() => true)));
  const collector = await startTestCollector(folder);
  await expect.poll(() => collector.requests()).toBe(8);
  const { rows } = await collector.traffic("from=1h&step=0&by=taskid");
  const byTask = Object.fromEntries(rows.map((row) => [row.taskid, row]));
  expect(byTask["666"]).toMatchObject({ requests: 7, errors: 0, refused: 2, codes: { 200: 5, 401: 2 } });
  expect(Object.values(byTask["666"]?.reasons ?? {})).toEqual([2]);
  expect(byTask.gone).toMatchObject({ requests: 1, errors: 1, refused: 0 });
  expect(await collector.logs("taskid=666&code=200")).toHaveLength(5);
});
