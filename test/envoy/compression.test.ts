import { request } from "node:http";
import { Readable } from "node:stream";
import { deflateSync, gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { compressor } from "../../tools/lib/envoy/compressor.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { KEY, pluginConfig, startTestGateway, type TestGateway } from "../support/gateway.ts";
import { gzipDecompressor } from "../support/gzip-decompressor.ts";

const ECHO = "/v2/models/echo/infer";
const data = Array.from({ length: 100_000 }, (_, i) => i);
const body = JSON.stringify({ inputs: [{ name: "x", shape: [data.length], datatype: "INT32", data }] });

describe("a gateway with compression", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    const config = {
      ...pluginConfig,
      tenantAuth: {
        ...pluginConfig.tenantAuth,
        cors: { origins: ["https://app.example"] },
      },
      decompression: { maxBytes: 2_000_000 },
    };
    gateway = await startTestGateway([
      compressor(1024),
      wasmFilter("gateway", modulePath("gateway"), config),
    ]);
  });
  afterAll(() => gateway?.stop());

  it.each<[string, Uint8Array | string, Record<string, string>]>([
    ["gzip", gzipSync(body), { "content-encoding": "gzip" }],
    ["deflate", deflateSync(body), { "content-encoding": "deflate" }],
    ["identity", body, { "content-encoding": "identity" }],
    ["no encoding", body, {}],
  ])("takes a body with %s", async (_name, bytes, headers) => {
    const { status, text } = await gateway.post(ECHO, bytes, headers);
    expect(status).toBe(200);
    expect(JSON.parse(text).outputs[0].data).toEqual(data);
  });

  it("takes a body in chunks", async () => {
    const compressed = gzipSync(body);
    const pieces = Array.from({ length: Math.ceil(compressed.length / 5000) }, (_, i) =>
      compressed.subarray(i * 5000, (i + 1) * 5000),
    );
    const response = await fetch(`http://127.0.0.1:${gateway.envoy.port}${ECHO}`, {
      method: "POST",
      headers: { "x-api-key": KEY, taskid: "666", "content-encoding": "gzip" },
      body: Readable.from(pieces),
      duplex: "half",
    } as unknown as RequestInit);
    expect(((await response.json()) as { outputs: { data: number[] }[] }).outputs[0]?.data).toEqual(data);
  });

  it.each<[string, Uint8Array, string, number, string]>([
    ["of gzip that is cut", gzipSync(body).subarray(0, -1), "gzip", 400, "encoded_body_malformed"],
    ["of gzip whose checksum is wrong", wrongChecksum(), "gzip", 400, "encoded_body_malformed"],
    ["that is no deflate", Buffer.from(body), "deflate", 400, "encoded_body_malformed"],
    ["that is a bomb", gzipSync(Buffer.alloc(100_000_000)), "gzip", 413, "decompressed_too_large"],
    ["over the limit", gzipSync(" ".repeat(2_000_001)), "gzip", 413, "decompressed_too_large"],
    ["of another encoding", Buffer.from(body), "br", 415, "content_encoding"],
  ])("refuses a body %s", async (_name, bytes, coding, wanted, reason) => {
    const { status, text } = await gateway.post(ECHO, bytes, { "content-encoding": coding });
    expect([status, JSON.parse(text).reason]).toEqual([wanted, reason]);
  });

  it("lets a bomb of somebody unknown in to no stage that would decompress it", async () => {
    const headers = { "content-encoding": "gzip", "x-api-key": "wrong" };
    expect((await gateway.post(ECHO, gzipSync(Buffer.alloc(1000)), headers)).status).toBe(401);
  });

  /** What the wire holds: fetch would decompress it. */
  function ask(path: string, method: string, headers: Record<string, string>, sent?: string) {
    return new Promise<{ headers: Record<string, unknown>; bytes: Buffer }>((resolve, reject) => {
      const call = request({
        ...{ port: gateway.envoy.port, path, method },
        headers: { "x-api-key": KEY, taskid: "666", ...headers },
      });
      call.once("error", reject);
      call.once("response", async (response) => {
        const chunks = [];
        for await (const chunk of response) chunks.push(chunk);
        resolve({ headers: response.headers, bytes: Buffer.concat(chunks) });
      });
      call.end(sent);
    });
  }

  it("compresses JSON for a caller that asks for it", async () => {
    const plain = await ask(ECHO, "POST", {}, body);
    expect(plain.headers).not.toHaveProperty("content-encoding");
    const { headers, bytes } = await ask(ECHO, "POST", { "accept-encoding": "gzip, br" }, body);
    expect(headers).toMatchObject({ "content-encoding": "gzip", vary: "Accept-Encoding" });
    expect(bytes.length).toBeLessThan(0.7 * plain.bytes.length);
    expect(gunzipSync(bytes).equals(plain.bytes)).toBe(true);
  });

  it("varies by origin as well where pages of other origins call", async () => {
    const more = { "accept-encoding": "gzip", origin: "https://app.example" };
    const { headers } = await ask(ECHO, "POST", more, body);
    expect(headers).toMatchObject({ "content-encoding": "gzip", "access-control-allow-origin": more.origin });
    expect(String(headers.vary).toLowerCase().split(/, ?/).toSorted()).toEqual(["accept-encoding", "origin"]);
  });

  it.each<[string, string, string, Record<string, string>, string?]>([
    ["what asks for none", "POST", ECHO, { "accept-encoding": "identity" }, body],
    ["a HEAD", "HEAD", "/v2", { "accept-encoding": "gzip" }],
    ["events", "POST", ECHO, { "accept-encoding": "gzip", accept: "text/event-stream" }, body],
    ["lines", "POST", ECHO, { "accept-encoding": "gzip", accept: "application/x-ndjson" }, body],
    ["a short refusal", "GET", "/v2", { "accept-encoding": "gzip", "x-api-key": "wrong" }],
    [
      "binary tensors",
      "POST",
      ECHO,
      { "accept-encoding": "gzip" },
      `{"parameters":{"binary_data_output":true},${body.slice(1)}`,
    ],
  ])("leaves %s as it is", async (_name, method, path, headers, sent) => {
    const answer = await ask(path, method, headers, sent);
    expect(answer.headers).not.toHaveProperty("content-encoding");
  });
});

describe("a gateway without compression", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway([
      gzipDecompressor(),
      wasmFilter("gateway", modulePath("gateway"), pluginConfig),
    ]);
  });
  afterAll(() => gateway?.stop());

  it.each([
    ["gzip", gzipSync(body), { "content-encoding": "gzip" }],
    ["no encoding", body, {}],
  ])("takes a body with %s behind Envoy's decompressor", async (_name, bytes, headers) => {
    const { status, text } = await gateway.post(ECHO, bytes, headers as Record<string, string>);
    expect(status).toBe(200);
    expect(JSON.parse(text).outputs[0].data).toEqual(data);
  });

  it.each(["br", "deflate"])("refuses %s", async (coding) => {
    const { status } = await gateway.post(ECHO, body, { "content-encoding": coding });
    expect(status).toBe(415);
  });
});

function wrongChecksum(): Buffer {
  const bytes = gzipSync(body);
  bytes.writeUInt32LE(bytes.readUInt32LE(bytes.length - 8) ^ 1, bytes.length - 8);
  return bytes;
}
