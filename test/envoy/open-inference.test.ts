import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KEY, startTestGateway, stat, type TestGateway } from "../support/gateway.ts";
import { quiet, settle } from "../support/pace.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway?.stop());

async function get(path: string, taskid = "666"): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await fetch(`http://127.0.0.1:${gateway.envoy.port}${path}`, {
    headers: { "x-api-key": KEY, taskid },
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

describe("questions without a body", () => {
  it.each([
    ["/v2", 200, { name: "modelgate-demo", version: "1", extensions: ["model_stream"] }],
    ["/v2/health/live", 200, { live: true }],
    ["/v2/health/ready", 200, { ready: true }],
    ["/v2/models/echo/ready", 200, { ready: true }],
    ["/v2/models/none/versions/3/ready", 400, { ready: false }],
    [
      "/v2/models/linear/versions/1",
      200,
      {
        name: "linear",
        versions: ["1"],
        platform: "javascript",
        inputs: [{ name: "x", datatype: "FP32", shape: [-1, 8] }],
        outputs: [{ name: "y", datatype: "FP32", shape: [-1, 2] }],
      },
    ],
    [
      "/v2/models/n%C3%B6ne",
      404,
      { error: 'no model "nöne"; there are linear, echo', reason: "model_error_5" },
    ],
  ])("%s", async (path, status, json) => {
    expect(await get(path)).toEqual({ status, json });
  });

  it("to a model server that is gone", async () => {
    expect(await get("/v2/health/ready", "gone")).toMatchObject({
      status: 503,
      json: { reason: "model_error_14" },
    });
  });

  it("leave the VM's memory as it was", async () => {
    const ask = async (count: number) => {
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let i = 0; i < count / 8; i++) expect((await get("/v2/health/live")).status).toBe(200);
        }),
      );
      await settle(1200);
      return stat(gateway.envoy, "vm_memory_bytes");
    };
    const warm = await ask(400);
    expect(await ask(2000)).toBe(warm);
  });
});

const TENSORS = [
  { name: "bool", datatype: "BOOL", shape: [2], data: [true, false] },
  { name: "u8", datatype: "UINT8", shape: [1, 2], data: [0, 255] },
  { name: "u16", datatype: "UINT16", shape: [2], data: [0, 65535] },
  { name: "u32", datatype: "UINT32", shape: [2], data: [0, 4294967295] },
  { name: "u64", datatype: "UINT64", shape: [2], data: [0, 2 ** 53] },
  { name: "i8", datatype: "INT8", shape: [2], data: [-128, 127] },
  { name: "i16", datatype: "INT16", shape: [2], data: [-32768, 32767] },
  { name: "i32", datatype: "INT32", shape: [2], data: [-2147483648, 7] },
  { name: "i64", datatype: "INT64", shape: [2], data: [-(2 ** 53), 7] },
  { name: "f32", datatype: "FP32", shape: [2], data: [0.1, -1e10] },
  { name: "f64", datatype: "FP64", shape: [2], data: [0.1, 1e300] },
  { name: "text", datatype: "BYTES", shape: [3], data: ["é", "", "x".repeat(100_000)] },
];
const HALVES = [
  { name: "f16", datatype: "FP16", shape: [2], data: [0.1, 2048] },
  { name: "bf16", datatype: "BF16", shape: [2], data: [0.1, 1e30] },
];
/** What halves have of these numbers, in the shortest text that a reader of floats takes for the same. */
const ECHOED_HALVES = [
  { name: "f16", datatype: "FP16", shape: [2], data: [0.099975586, 2048] },
  { name: "bf16", datatype: "BF16", shape: [2], data: [0.100097656, 1.00025555e30] },
];

it.each([
  ["raw", "/v2/models/echo/infer", HALVES, ECHOED_HALVES],
  ["typed", "/v2/models/echo/versions/typed/infer", [], []],
])("echoes tensors of every datatype, %s", async (_name, path, halves, echoed) => {
  const inputs = [...TENSORS, ...halves];
  const parameters = { flag: true, count: 3, ratio: 0.5, text: "é" };
  const { status, text } = await gateway.post(path, JSON.stringify({ id: "7", parameters, inputs }));
  expect(status).toBe(200);
  expect(JSON.parse(text)).toMatchObject({ id: "7", parameters, outputs: [...TENSORS, ...echoed] });
});

it("selects outputs", async () => {
  const body = JSON.stringify({ inputs: TENSORS, outputs: [{ name: "u8" }] });
  const { outputs } = JSON.parse((await gateway.post("/v2/models/echo/infer", body)).text);
  expect(outputs).toEqual([TENSORS[1]]);
});

it("carries binary data both ways, 8 MB of it", async () => {
  const raw = Buffer.alloc(8_000_000, "binary data ");
  const json = JSON.stringify({
    inputs: [
      { name: "a", shape: [2], datatype: "INT8", data: [1, 2] },
      { name: "b", shape: [2_000_000], datatype: "FP32", parameters: { binary_data_size: raw.length } },
      { name: "c", shape: [1], datatype: "BYTES", parameters: { binary_data_size: 7 } },
    ],
    parameters: { binary_data_output: true },
  });
  const text = Buffer.from("\x03\0\0\0abc", "latin1");
  const response = await fetch(`http://127.0.0.1:${gateway.envoy.port}/v2/models/echo/infer`, {
    method: "POST",
    headers: { "x-api-key": KEY, taskid: "666", "inference-header-content-length": String(json.length) },
    body: Buffer.concat([Buffer.from(json), raw, text]),
  });
  expect(response.status).toBe(200);
  const body = Buffer.from(await response.arrayBuffer());
  const length = Number(response.headers.get("inference-header-content-length"));
  const { outputs } = JSON.parse(body.toString("utf8", 0, length));
  expect(outputs.map((output: { parameters: object }) => output.parameters)).toEqual([
    { binary_data_size: 2 },
    { binary_data_size: raw.length },
    { binary_data_size: 7 },
  ]);
  expect(body.subarray(length).equals(Buffer.concat([Buffer.of(1, 2), raw, text]))).toBe(true);
});

it("takes a raw tensor with its shape in headers", async () => {
  const raw = Buffer.alloc(4_000_000, "raw ");
  const headers = {
    "content-type": "application/octet-stream",
    "x-tensor-name": "x",
    "x-tensor-datatype": "UINT32",
    "x-tensor-shape": "1000, 1000",
  };
  const { status, text } = await gateway.post("/v2/models/echo/infer", raw, headers);
  expect(status).toBe(200);
  const { outputs } = JSON.parse(text);
  expect(outputs[0]).toMatchObject({ name: "x", datatype: "UINT32", shape: [1000, 1000] });
  expect(outputs[0].data.every((value: number) => value === raw.readUInt32LE(0))).toBe(true);
  for (const shape of ["1000", "x", "", "1,,2", "-2", "-1,-1", "-1,3"]) {
    const refused = await gateway.post("/v2/models/echo/infer", raw, { ...headers, "x-tensor-shape": shape });
    expect([shape, refused.status, JSON.parse(refused.text).reason]).toEqual([shape, 400, "raw_tensor"]);
  }
});

describe("a stream of replies", () => {
  const infer = (accept: string, replies: number, shape = [2], signal?: AbortSignal) =>
    fetch(`http://127.0.0.1:${gateway.envoy.port}/v2/models/echo/infer`, {
      method: "POST",
      headers: { "x-api-key": KEY, taskid: "666", accept },
      body: JSON.stringify({
        parameters: { replies },
        inputs: [{ name: "x", datatype: "UINT8", shape, data: Array(shape[0]).fill(7) }],
      }),
      ...(signal && { signal }),
    });

  it("comes as Server-Sent Events", async () => {
    const response = await infer("text/event-stream", 3);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const events = (await response.text()).split("\n\n").filter(Boolean);
    expect(events.map((event) => JSON.parse(event.slice("data: ".length)).id)).toEqual(["0", "1", "2"]);
  });

  it("comes as lines of JSON", async () => {
    const lines = (await (await infer("application/x-ndjson", 100)).text()).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).outputs[0].data)).toEqual(Array(100).fill([7, 7]));
  });

  it("waits for a slow caller without growing", async () => {
    const heap = async () => {
      const response = await fetch(`http://127.0.0.1:${gateway.envoy.adminPort}/memory`);
      return Number(((await response.json()) as { allocated: string }).allocated);
    };
    const stop = new AbortController();
    const before = await heap();
    // 200 MB in all, of which nothing is read at first.
    const response = await infer("application/x-ndjson", 2000, [50_000], stop.signal);
    await quiet(1500);
    expect((await heap()) - before).toBeLessThan(16e6);
    let bytes = 0;
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > 20e6) break;
    }
    expect(bytes).toBeGreaterThan(20e6);
    stop.abort();
  });
});
