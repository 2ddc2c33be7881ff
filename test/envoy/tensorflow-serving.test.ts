import { afterAll, beforeAll, expect, it } from "vitest";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { discover } from "../../tools/serving/model-client/signatures.ts";
import { linear } from "../../tools/serving/model-server/linear-model.ts";
import { type ModelServer, startModelServer } from "../../tools/serving/model-server/server.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

let gateway: TestGateway;
let models: ModelServer;
beforeAll(async () => {
  models = await startModelServer();
  const address = `127.0.0.1:${models.port}`;
  const tasks = [
    {
      taskid: "666",
      signatures: await discover(address, "linear", 5),
      raw: { name: "x", datatype: "FP32", shape: [-1, 8] },
    },
    { taskid: "limited", signatures: await discover(address, "linear", 5), nonFinite: "token" },
    { taskid: "v", signatures: await discover(address, "echo", 5) },
  ];
  const config = { protocolConversion: { tasks } };
  gateway = await startTestGateway([wasmFilter("conversion", modulePath("protocol-conversion"), config)]);
});
afterAll(async () => {
  await gateway?.stop();
  models?.stop();
});

const ROW = [1, 2, 3, 4, 5, 6, 7, 8];

it("predicts rows and columns with the types that it discovered", async () => {
  const scores = [...linear(Float32Array.from(ROW))];
  const rows = await gateway.post("/v1/models/linear:predict", JSON.stringify({ instances: [ROW, ROW] }));
  expect(rows.headers.get("content-type")).toBe("application/json");
  expect(JSON.parse(rows.text).predictions.flat().map(Math.fround)).toEqual([...scores, ...scores]);
  const columns = await gateway.post(
    "/v1/models/linear/versions/1:predict",
    JSON.stringify({ inputs: { x: [ROW] } }),
  );
  expect(JSON.parse(columns.text).outputs.flat().map(Math.fround)).toEqual(scores);
});

it("carries strings and 64-bit integers of several inputs", async () => {
  const image = Buffer.alloc(300_000, "image").toString("base64");
  const instances = [
    { number: 9007199254740991, image_bytes: { b64: image } },
    { number: -5, image_bytes: { b64: "" } },
  ];
  const { text } = await gateway.post("/v1/models/echo:predict", JSON.stringify({ instances }), {
    taskid: "v",
  });
  expect(JSON.parse(text)).toEqual({ predictions: instances });
});

it("classifies and regresses examples", async () => {
  const [first, second] = [...linear(Float32Array.from(ROW))];
  const examples = [{ x: ROW.map((value) => value + 0.5) }, { x: ROW.map((value) => value / 8) }];
  const expected = examples.map(({ x }) => [...linear(Float32Array.from(x))]);
  expect(expected).not.toContainEqual([first, second]);
  const body = `{"examples":[${examples.map(({ x }) => `{"x":[${x.map((value) => value.toFixed(3))}]}`)}]}`;
  const classified = await gateway.post("/v1/models/linear:classify", body);
  expect(classified.headers.get("content-type")).toBe("application/json");
  const results = JSON.parse(classified.text).results as [string, number][][];
  expect(results.map((classes) => classes.map(([label]) => label))).toEqual([
    ["0", "1"],
    ["0", "1"],
  ]);
  expect(results.map((classes) => classes.map(([, score]) => Math.fround(score)))).toEqual(expected);
  const regressed = await gateway.post("/v1/models/linear/versions/1:regress", body);
  expect(JSON.parse(regressed.text).results.map(Math.fround)).toEqual(expected.map(([score]) => score));
});

it("carries each kind of feature, and a context", async () => {
  const image = Buffer.alloc(40_000, "image").toString("base64");
  const request = { context: { c: 1 }, examples: [{ t: ["é"], i: [-5], b: { b64: image } }] };
  const { text } = await gateway.post("/v1/models/echo:classify", JSON.stringify(request), { taskid: "v" });
  const labels = JSON.parse(text).results[0].map(([label]: [string]) => label);
  expect(new Set(labels)).toEqual(new Set(["c:1", `t:${btoa("\u00c3\u00a9")}`, "i:-5", `b:${image}`]));
});

it("takes a body of 20 MB", async () => {
  const x = Array.from({ length: 2_000_000 }, (_, i) => ((i * 7919) % 1000003) / 1e6);
  const rows = Array.from({ length: x.length / 8 }, (_, i) => x.slice(i * 8, i * 8 + 8));
  const { status, text } = await gateway.post(
    "/v1/models/linear:predict",
    JSON.stringify({ instances: rows }),
  );
  expect(status).toBe(200);
  expect(Float32Array.from(JSON.parse(text).predictions.flat())).toEqual(linear(Float32Array.from(x)));
});

it("predicts from raw bytes, by the task's template", async () => {
  const x = Float32Array.from({ length: 400_000 }, (_, i) => (i % 97) / 7);
  const headers = { "content-type": "application/octet-stream" };
  const predicted = await gateway.post("/v1/models/linear:predict", new Uint8Array(x.buffer), headers);
  expect(predicted.status).toBe(200);
  expect(Float32Array.from(JSON.parse(predicted.text).outputs.flat())).toEqual(linear(x));
});

it("predicts from raw strings", async () => {
  const texts = ["é", "", "x".repeat(200_000)].map((text) => Buffer.from(text));
  const body = Buffer.concat(
    texts.flatMap((text) => [Buffer.from(Uint32Array.of(text.length).buffer), text]),
  );
  const { status, text } = await gateway.post("/v1/models/echo:predict", body, {
    taskid: "v",
    "content-type": "application/octet-stream",
    "x-tensor-name": "image_bytes",
    "x-tensor-datatype": "BYTES",
    "x-tensor-shape": "3",
  });
  expect([status, JSON.parse(text)]).toEqual([
    200,
    { outputs: texts.map((each) => ({ b64: each.toString("base64") })) },
  ]);
});

it("carries NaN and infinities as TensorFlow Serving does", async () => {
  const row = `[NaN,Infinity,-Infinity,${ROW.slice(3)}]`;
  const { status, text } = await gateway.post("/v1/models/linear:predict", `{"instances":[${row}]}`, {
    taskid: "limited",
  });
  expect([status, text]).toEqual([200, '{"predictions":[[NaN,NaN]]}']);
  expect((await gateway.post("/v1/models/linear:predict", `{"instances":[${row}]}`)).status).toBe(400);
});

it.each([
  ["/v1/models/none:predict", 404, "model_error_5"],
  ["/v1/models/none:classify", 400, "json_malformed"],
  ["/v1/models/linear/versions/x:predict", 404, "path_unknown"],
  ["/v1/models/linear:predicts", 404, "path_unknown"],
])("%s", async (path, status, reason) => {
  const answer = await gateway.post(path, JSON.stringify({ instances: [ROW] }));
  expect([answer.status, JSON.parse(answer.text).reason]).toEqual([status, reason]);
});

it("answers status and metadata", async () => {
  const get = async (path: string) =>
    (await fetch(`http://127.0.0.1:${gateway.envoy.port}${path}`, { headers: { taskid: "666" } })).json();
  expect(await get("/v1/models/linear")).toEqual({
    model_version_status: [
      { version: "1", state: "AVAILABLE", status: { error_code: "OK", error_message: "" } },
    ],
  });
  const dim = (...sizes: string[]) => ({
    dim: sizes.map((size) => ({ size, name: "" })),
    unknown_rank: false,
  });
  expect(await get("/v1/models/linear/versions/1/metadata")).toEqual({
    model_spec: { name: "linear", signature_name: "", version: "1" },
    metadata: {
      signature_def: {
        signature_def: {
          serving_default: {
            inputs: { x: { name: "", dtype: "DT_FLOAT", tensor_shape: dim("-1", "8") } },
            outputs: { y: { name: "", dtype: "DT_FLOAT", tensor_shape: dim("-1", "2") } },
            method_name: "tensorflow/serving/predict",
          },
        },
      },
    },
  });
});

it("says what a model server answered to discover", async () => {
  await expect(discover(`127.0.0.1:${models.port}`, "none", 5)).rejects.toThrow('no model "none"');
});
