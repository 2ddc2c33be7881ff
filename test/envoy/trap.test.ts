import { afterAll, beforeAll, expect, it } from "vitest";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { Backtrace } from "../../tools/lib/wasm/backtrace.ts";
import { filterSource, readPlaces } from "../../tools/lib/wasm/places.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { builtTestModule } from "../support/wasm.ts";

let module: string;
let gateway: TestGateway;

beforeAll(async () => {
  module = await builtTestModule("trap");
  // Another worker would answer in the place of the one that trapped.
  gateway = await startTestGateway([wasmFilter("trap", module, { trap: {} })], { concurrency: 1 });
});
afterAll(() => gateway?.stop());

it("answers the next request after a trap, and names function and line", async () => {
  const trapped = await gateway.post("/", "", { "x-trap": "1" });
  expect(trapped.status).toBe(503);
  // The model server's own answer to a request that is not gRPC.
  await expect.poll(async () => (await gateway.post("/", "")).status).toBe(415);
  const backtrace = new Backtrace(readPlaces(module, filterSource));
  const log = gateway.envoy.log.flatMap((line) => backtrace.line(line) ?? []).join("\n");
  // What the optimiser inlined carries the name of where it went.
  expect(log).toMatch(/(?:on_?request_?headers|requestHeadersFrom) \(test\/wasm\/trap-stage\.ts:25:\d+\)/i);
});
