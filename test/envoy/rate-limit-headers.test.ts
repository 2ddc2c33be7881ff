import { afterAll, beforeAll, expect, it } from "vitest";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { pluginConfig, startTestGateway, type TestGateway } from "../support/gateway.ts";

const BODY = JSON.stringify({ inputs: [{ name: "x", shape: [1], datatype: "INT32", data: [1] }] });

let gateway: TestGateway;
beforeAll(async () => {
  const rateLimit = { headers: true, tasks: [{ taskid: "666", requestsPerDay: 3 }] };
  const config = { ...pluginConfig, rateLimit };
  gateway = await startTestGateway([wasmFilter("gateway", modulePath("gateway"), config)]);
});
afterAll(() => gateway?.stop());

const ask = async (taskid: string) => {
  const { status, headers } = await gateway.post("/v2/models/echo/infer", BODY, { taskid });
  const left = /^"task-day";r=(\d+);t=(\d+)$/.exec(headers.get("ratelimit") ?? "");
  return { status, policy: headers.get("ratelimit-policy"), left: left?.[1], seconds: Number(left?.[2]) };
};

it("responses say what is left of a day, and when the next one begins", async () => {
  const policy = '"task-day";q=3;w=86400';
  const untilMidnight = 86_400 - ((Date.now() / 1000) % 86_400);
  for (const [status, left] of [
    [200, "2"],
    [200, "1"],
    [200, "0"],
    [429, "0"],
  ] as const) {
    const answer = await ask("666");
    expect(answer).toMatchObject({ status, policy, left });
    // A day may end while the test runs.
    if (untilMidnight > 60) expect(Math.abs(answer.seconds - untilMidnight)).toBeLessThan(60);
  }
});

it("say nothing where nothing limits them", async () => {
  expect(await ask("limited")).toMatchObject({ status: 200, policy: null, left: undefined });
});
