import { afterAll, beforeAll, expect, it } from "vitest";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { startTestGateway, stat, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { builtTestModule } from "../support/wasm.ts";

let gateway: TestGateway;

beforeAll(async () => {
  const module = await builtTestModule("host-calls");
  gateway = await startTestGateway([wasmFilter("host-calls", module, { hostCalls: {} })]);
});
afterAll(() => gateway?.stop());

it("ticks, calls out, counts, reads properties and calls foreign functions in the real Envoy", async () => {
  const hasDone = async () =>
    (await stat(gateway.envoy, "test_ticks")) >= 4 &&
    gateway.envoy.log.join("\n").includes("callout replied");
  await until(hasDone, { message: () => gateway.envoy.log.join("\n") });
  const log = gateway.envoy.log.join("\n");
  expect(log).toContain("callout replied 415"); // the model server's answer to what is not gRPC
  expect(log).toContain("callout refused");
  expect(log).toContain("compressed: true, restored: text text text");
  expect(log).toContain("plugin host-calls");
  expect(await stat(gateway.envoy, "test_ticks")).toBeGreaterThanOrEqual(4);
});
