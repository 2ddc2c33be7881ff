import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConverterGateway, probeModule, startConverters } from "../support/converter.ts";
import { swapUnderLoad } from "../support/swap-load.ts";

const TENSORS = { floats: [1.5, -0.1], texts: ["é"], integers: [-9] };
const body = (what: string) => JSON.stringify({ do: what, ...TENSORS });

let gateway: ConverterGateway;
let modules: [string, string];
beforeAll(async () => {
  modules = [await probeModule("probe"), await probeModule("other")];
  gateway = await startConverters({ probe: modules[0], other: modules[1], swapped: modules[0] });
});
afterAll(() => gateway?.stop());

it.each(["infer", "typed", "predict"])("%s goes to the model and back", async (what) => {
  const { status, text } = await gateway.post("probe", body(what));
  expect([status, JSON.parse(text)]).toEqual([200, TENSORS]);
});

it("each task has its own converter, and none where none is bound", async () => {
  expect(await gateway.post("other", "")).toMatchObject({ status: 400 });
  expect(await gateway.post("other", "x")).toEqual({ status: 200, text: "other" });
  expect(await gateway.post("plain", "x")).toMatchObject({ status: 415 });
});

it("a body of many chunks, 4 MB of it", async () => {
  const shape = Array.from({ length: 400_000 }, (_, i) => i + 0.25);
  const { status, text } = await gateway.post("probe", JSON.stringify({ do: "infer", shape }));
  expect(status).toBe(200);
  expect(JSON.parse(text)).toEqual({ x: shape, rank: 1 });
});

describe("errors are JSON", () => {
  it.each([
    ["fail", 400, "converter_refused"],
    ["nothing", 400, "converter_refused"],
    ["after-fail", 502, "converter_failed"],
    ["after-nothing", 502, "converter_failed"],
    ["after-missing", 502, "converter_failed"],
  ])("%s", async (what, wanted, reason) => {
    const { status, text } = await gateway.post("probe", body(what));
    expect([status, JSON.parse(text).reason]).toEqual([wanted, reason]);
  });

  it("a body over the limit", async () => {
    const { status, text } = await gateway.post("probe", "x".repeat(9_000_000));
    expect([status, JSON.parse(text).reason]).toEqual([413, "body_too_large"]);
  });
});

it.each(["trap", "after-trap"])("%s costs a 503, and soon the converter is back", async (what) => {
  expect((await gateway.post("probe", body(what))).status).toBe(503);
  expect((await gateway.post("other", "x")).status).toBe(200);
  await sleep(100);
  expect((await gateway.post("probe", body("infer"))).status).toBe(200);
});

it("swaps and rolls back under load without a failed request", async () => {
  const { statuses, swaps } = await swapUnderLoad(gateway, {
    taskid: "swapped",
    body: body("infer"),
    modules,
    requestsPerSecond: 300,
    seconds: 4,
    everyMs: 700,
  });
  expect(statuses).toEqual({ 200: 1200 });
  expect(swaps).toBeGreaterThan(3);
});
