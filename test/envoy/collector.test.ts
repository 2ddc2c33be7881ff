import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { httpCluster, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { SenderTokens } from "../../tools/servers/collector/http/sender-tokens.ts";
import { toText } from "../support/collector/log-lines.ts";
import { startTestCollector, testFolder } from "../support/collector/start.ts";
import { pluginConfig, startTestGateway, stat, type TestGateway } from "../support/gateway.ts";

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
  await expect.poll(async () => (await gateway.logged(() => true)).length).toBe(8);
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

it("the collector takes batches of a gateway whose token it knows, and in the end those of one whose token it learns", async () => {
  const folder = await testFolder();
  const tokens = join(folder, "tokens");
  await writeFile(tokens, "another\n");
  const collector = await startTestCollector(folder, {
    senderTokens: await SenderTokens.open(tokens),
    tokensMs: 50,
  });
  const config = { ...pluginConfig, accessLog: { collector: { cluster: "collector", token: "s3cret" } } };
  const sending = await startTestGateway([wasmFilter("gateway", modulePath("gateway"), config)], {
    clusters: [httpCluster("collector", Number(new URL(collector.url).port))],
  });
  try {
    for (let i = 0; i < 3; i++) await sending.post("/v2/models/linear/infer", BODY);
    const failures = () => stat(sending.envoy, "modelgate.log.failures");
    await expect.poll(failures).toBeGreaterThan(0);
    expect(await collector.requests()).toBe(0);
    await writeFile(tokens, "another\ns3cret\n");
    await expect.poll(() => collector.requests()).toBe(3);
  } finally {
    await sending.stop();
  }
});
