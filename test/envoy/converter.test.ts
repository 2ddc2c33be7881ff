import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  converterChain,
  converterMetadata,
  localConverter,
} from "../../tools/cluster/istio/converter-chain.ts";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { writeFilterConfig } from "../../tools/lib/envoy/extension-config.ts";
import { fileSource } from "../../tools/lib/envoy/resource-file.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { Backtrace } from "../../tools/lib/wasm/backtrace.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { readPlaces } from "../../tools/lib/wasm/places.ts";
import { sourceIn } from "../../tools/local/own-module/compile.ts";
import { type ConverterGateway, probeModule, startConverters } from "../support/converter.ts";
import { KEY, pluginConfig, startTestGateway } from "../support/gateway.ts";
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
  await expect.poll(async () => (await gateway.post("probe", body("infer"))).status).toBe(200);
});

it.each([
  ["loop", "a callback ran for more instructions than it may", "values[i & 7]"],
  ["hog", "no memory is left", "kept.push"],
  ["index", "Index out of range", 'how == "index"'],
])("a converter that goes wrong (%s) costs a 503 and names its own line", async (how, why, line) => {
  const folder = "test/wasm/converters/traps";
  const traps = await probeModule("traps");
  const own = await startConverters({ traps }, 1);
  try {
    expect((await own.post("traps", how)).status).toBe(503);
    await expect.poll(async () => (await own.post("traps", "nothing")).status).not.toBe(503);
    const backtrace = new Backtrace(readPlaces(traps, sourceIn(folder)));
    const told = own.envoy.log.flatMap((each) => backtrace.line(each) ?? []).join("\n");
    const source = (await readFile(join(folder, "converter.ts"), "utf8")).split("\n");
    const number = source.findIndex((each) => each.includes(line)) + 1;
    expect(told).toContain(why);
    expect(told).toMatch(new RegExp(`at \\w+ \\(${folder}/converter.ts:${number}:\\d+\\)`));
    expect(told).not.toMatch(/~lib|undefined/);
  } finally {
    await own.stop();
  }
});

it("swaps and rolls back under load without a failed request", async () => {
  const { statuses, swaps } = await swapUnderLoad(gateway, {
    taskid: "swapped",
    body: body("infer"),
    modules,
    requestsPerSecond: 300,
    seconds: 4,
    everyMs: 400,
  });
  expect(statuses).toEqual({ 200: 1200 });
  expect(swaps).toBeGreaterThan(3);
});

it("the gateway's access log knows the reason of a refusal, and the tensor bytes of an answer", async () => {
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-converter-"));
  const file = join(folder.path, "666.json");
  await writeFilterConfig(file, localConverter("666", modules[0]));
  const config = { ...pluginConfig, protocolConversion: { tasks: [] }, filtersBehind: ["666", "v"] };
  const behind = await startTestGateway(
    [wasmFilter("gateway", modulePath("gateway"), config), converterChain(["666"], () => fileSource(file))],
    { metadata: converterMetadata(["666"]) },
  );
  try {
    const headers = { "x-api-key": KEY, taskid: "666" };
    expect((await behind.post("/fails", body("fail"), headers)).status).toBe(400);
    expect((await behind.post("/answers", body("infer"), headers)).status).toBe(200);
    const [failed] = await behind.logged(({ path }) => path === "/fails");
    expect(failed).toMatchObject({ response_code: 400, reason: "converter_refused", tenant: "search" });
    const [answered] = await behind.logged(({ path }) => path === "/answers");
    expect(answered).toMatchObject({ response_code: 200, taskid: "666" });
    expect(answered).not.toHaveProperty("reason");
    expect(failed).not.toHaveProperty("request_tensor_bytes");
    // Behind the headers of a frame each: 12 bytes of floats, a text of 2, an integer of 8, and their names.
    expect(answered?.request_tensor_bytes).toBeGreaterThan(5 + 12 + 2 + 8);
    expect(answered?.response_tensor_bytes).toBeGreaterThan(5 + 12 + 2 + 8);
    // The filter knows that the task has a converter, and the listener that has it is still to come.
    const early = await behind.post("/early", body("infer"), { ...headers, taskid: "v" });
    expect([early.status, JSON.parse(early.text).reason]).toEqual([503, "converter_pending"]);
    const keyless = { "x-api-key": "wrong", taskid: "v" };
    expect((await behind.post("/keyless", body("infer"), keyless)).status).toBe(401);
    const [pending] = await behind.logged(({ path }) => path === "/early");
    expect(pending).toMatchObject({ response_code: 503, reason: "converter_pending", tenant: "search" });
  } finally {
    await behind.stop();
    await folder.remove();
  }
});
