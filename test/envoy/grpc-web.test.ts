import { afterAll, beforeAll, expect, it } from "vitest";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { frame, ModelInferRequest, ModelInferResponse } from "../support/conversion.ts";
import { KEY, pluginConfig, startTestGateway, type TestGateway } from "../support/gateway.ts";

const GRPC_WEB = {
  name: "envoy.filters.http.grpc_web",
  typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb" },
};

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway([GRPC_WEB, wasmFilter("gateway", modulePath("gateway"), pluginConfig)]);
});
afterAll(() => gateway?.stop());

const raw = Buffer.from(Float32Array.from({ length: 100_000 }, (_, i) => i / 3).buffer);
const request = frame(
  ModelInferRequest.encode(
    ModelInferRequest.fromObject({
      modelName: "echo",
      inputs: [{ name: "x", datatype: "FP32", shape: [100_000] }],
      rawInputContents: [raw],
    }),
  ).finish(),
);

/** Sends a frame as gRPC-Web. @returns the message and the trailers, which are the frames of the body */
async function call(type: string, body: Uint8Array, key = KEY) {
  const response = await fetch(
    `http://127.0.0.1:${gateway.envoy.port}/inference.GRPCInferenceService/ModelInfer`,
    {
      method: "POST",
      headers: { "x-api-key": key, taskid: "666", "content-type": type, "x-grpc-web": "1", accept: type },
      body: body as BodyInit,
    },
  );
  const text = type.includes("text");
  const bytes = Buffer.from(await response.arrayBuffer());
  // Envoy encodes each piece by itself: padding may stand within.
  const frames = text
    ? Buffer.concat(
        (bytes.toString("latin1").match(/[^=]+=*/g) ?? []).map((each) => Buffer.from(each, "base64")),
      )
    : bytes;
  const length = frames.length >= 5 && frames[0] === 0 ? frames.readUInt32BE(1) : 0;
  const message = length > 0 ? frames.subarray(5, 5 + length) : undefined;
  const trailers = frames.subarray(message ? 5 + length : 0);
  return {
    status:
      response.headers.get("grpc-status") ??
      /grpc-status:\s*(\d+)/.exec(trailers.subarray(5).toString())?.[1],
    message,
  };
}

it.each([
  ["application/grpc-web+proto", request],
  ["application/grpc-web-text", Buffer.from(request.toString("base64"))],
])("a call as %s passes as it is behind Envoy's grpc_web", async (type, body) => {
  const { status, message } = await call(type, body);
  expect(status).toBe("0");
  const { rawOutputContents } = ModelInferResponse.decode(message as Buffer) as unknown as {
    rawOutputContents: Buffer[];
  };
  expect(Buffer.from(rawOutputContents[0] as Buffer).equals(raw)).toBe(true);
});

it("a refusal has a gRPC status", async () => {
  const { status, message } = await call("application/grpc-web+proto", request, "no-such-key");
  expect([status, message]).toEqual(["16", undefined]);
});

it("JSON is converted beside it", async () => {
  const body = JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [0.5] }] });
  const { status, text } = await gateway.post("/v2/models/echo/infer", body);
  expect([status, JSON.parse(text).outputs[0].data]).toEqual([200, [0.5]]);
});
