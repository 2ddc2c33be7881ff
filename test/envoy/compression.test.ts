import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { pluginConfig, startTestGateway, type TestGateway } from "../support/gateway.ts";
import { gzipDecompressor } from "../support/gzip-decompressor.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway([
    gzipDecompressor(),
    wasmFilter("gateway", modulePath("gateway"), pluginConfig),
  ]);
});
afterAll(() => gateway?.stop());

const data = Array.from({ length: 100_000 }, (_, i) => i);
const body = JSON.stringify({ inputs: [{ name: "x", shape: [data.length], datatype: "INT32", data }] });

it.each([
  ["gzip", gzipSync(body), { "content-encoding": "gzip" }],
  ["no encoding", body, {}],
])("takes a body with %s behind Envoy's decompressor", async (_name, bytes, headers) => {
  const { status, text } = await gateway.post(
    "/v2/models/echo/infer",
    bytes,
    headers as Record<string, string>,
  );
  expect(status).toBe(200);
  expect(JSON.parse(text).outputs[0].data).toEqual(data);
});

it("refuses other encodings", async () => {
  const { status } = await gateway.post("/v2/models/echo/infer", body, { "content-encoding": "br" });
  expect(status).toBe(415);
});
