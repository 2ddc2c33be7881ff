import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bootstrap, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { frame, ModelInferResponse } from "../support/conversion.ts";

/** Model servers that do what no gRPC library lets a server do, behind the real Envoy. */

type Answer = (stream: ServerHttp2Stream) => void;

let server: Http2Server;
let envoy: RunningEnvoy;
let answer: Answer;
beforeAll(async () => {
  server = createServer();
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.resume().once("end", () => answer(stream));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const config = { protocolConversion: { tasks: [{ taskid: "1" }], maxResponseBytes: 1_000_000 } };
  envoy = await startEnvoy({
    envoy: await findEnvoy(),
    concurrency: 1,
    bootstrap: bootstrap({
      tasks: [{ taskid: "1", port }],
      filters: [wasmFilter("conversion", modulePath("protocol-conversion"), config)],
    }),
  });
});
afterAll(async () => {
  await envoy?.stop();
  server?.close();
});

const DATA = Float32Array.from({ length: 50_000 }, (_, i) => i / 8);
const WHOLE = frame(
  ModelInferResponse.encode(
    ModelInferResponse.fromObject({
      outputs: [{ name: "y", datatype: "FP32", shape: [DATA.length] }],
      rawOutputContents: [Buffer.from(DATA.buffer)],
    }),
  ).finish(),
);

const OK = { ":status": 200, "content-type": "application/grpc" };

function reply(bytes: Uint8Array, trailers: Record<string, string> = { "grpc-status": "0" }): Answer {
  return (stream) => {
    stream.respond(OK, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(bytes);
  };
}

/** The answer, or `cut` with as much of the body as came when the connection ends in the middle. */
async function infer(accept = "application/json"): Promise<{ status: number; text: string; cut?: boolean }> {
  const response = await fetch(`http://127.0.0.1:${envoy.port}/v2/models/m/infer`, {
    method: "POST",
    headers: { taskid: "1", accept },
    body: '{"inputs":[]}',
  });
  let text = "";
  try {
    const decoder = new TextDecoder();
    for await (const chunk of response.body as AsyncIterable<Uint8Array>)
      text += decoder.decode(chunk, { stream: true });
  } catch {
    return { status: response.status, text, cut: true };
  }
  return { status: response.status, text };
}

it("a whole reply is converted", async () => {
  answer = reply(WHOLE);
  const { status, text } = await infer();
  expect(status).toBe(200);
  expect(Float32Array.from(JSON.parse(text).outputs[0].data)).toEqual(DATA);
});

describe("before the first byte of a reply", () => {
  it.each<[string, Answer, number, string]>([
    [
      "an error alone, with its message escaped",
      (stream) =>
        stream.respond(
          { ...OK, "grpc-status": "3", "grpc-message": "no%20%22x%22%20%E2%82%AC" },
          { endStream: true },
        ),
      400,
      '{"error":"no \\"x\\" €","reason":"model_error_3"}\n',
    ],
    [
      "a status that gRPC does not know",
      (stream) => stream.respond({ ...OK, "grpc-status": "99" }, { endStream: true }),
      500,
      "model_error_",
    ],
    ["headers alone", (stream) => stream.respond(OK, { endStream: true }), 502, "model_reply_malformed"],
    ["a reset", (stream) => stream.close(2), 503, '"reason":"upstream_error"'],
    [
      "HTTP that is no gRPC",
      (stream) => {
        stream.respond({ ":status": 502, "content-type": "text/plain" });
        stream.end('no "healthy" upstream');
      },
      502,
      '"reason":"upstream_error"',
    ],
  ])("%s", async (_name, given, status, said) => {
    answer = given;
    const got = await infer();
    expect([got.status, got.text]).toEqual([status, expect.stringContaining(said)]);
    JSON.parse(got.text);
  });
});

describe("a reply that goes wrong behind its headers is never a whole one", () => {
  const half = WHOLE.subarray(0, WHOLE.length >> 1);
  it.each<[string, Answer]>([
    ["half of it, then trailers", reply(half)],
    ["half of it, then an error", reply(half, { "grpc-status": "13", "grpc-message": "out of memory" })],
    [
      "half of it, then the end without trailers",
      (stream) => {
        stream.respond(OK);
        stream.end(half);
      },
    ],
    [
      "half of it, then a reset",
      (stream) => {
        stream.respond(OK);
        stream.write(half, () => setTimeout(() => stream.close(2), 50));
      },
    ],
    ["two messages", reply(Buffer.concat([WHOLE, WHOLE]))],
    ["a compressed message", reply(Buffer.concat([Buffer.of(1), WHOLE.subarray(1)]))],
    ["a message over the limit", reply(Buffer.concat([Buffer.of(0, 0x7f, 0xff, 0xff, 0xff), half]))],
    ["no message, then trailers", reply(Buffer.of())],
    ["noise", reply(Buffer.alloc(10_000, 0xa5))],
  ])("%s", async (_name, given) => {
    answer = given;
    const { status, text, cut } = await infer();
    if (cut) expect(() => JSON.parse(text)).toThrow();
    else expect([status >= 400, JSON.parse(text).reason]).toEqual([true, expect.any(String)]);
  });

  it("and the next request finds the VM as it was", async () => {
    answer = reply(WHOLE);
    expect((await infer()).status).toBe(200);
  });
});
