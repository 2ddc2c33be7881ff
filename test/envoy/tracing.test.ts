import { once } from "node:events";
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer, type Http2Server, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import protobuf from "protobufjs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { taskCluster, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { type LocalGateway, startLocalGateway } from "../../tools/local/dev/gateway.ts";
import { KEY, pluginConfig } from "../support/gateway.ts";

/** Of opentelemetry/proto/trace/v1/trace.proto what the tests look at. */
const { root } = protobuf.parse(`syntax = "proto3";
message Request { repeated Resource resource_spans = 1; }
message Resource { repeated Scope scope_spans = 2; }
message Scope { repeated Span spans = 2; }
message Span { bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6; repeated Attribute attributes = 9; }
message Attribute { string key = 1; Value value = 2; }
message Value { string string_value = 1; }`);

interface Span {
  traceId: Buffer;
  spanId: Buffer;
  parentSpanId: Buffer;
  kind: number;
  attributes: { key: string; value?: { stringValue: string } }[];
}

const SERVER = 2;
const CLIENT = 3;
const BODY = '{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}';

let receiver: Server;
let model: Http2Server;
let gateway: LocalGateway;
const spans: Span[] = [];
const asked: IncomingHttpHeaders[] = [];

beforeAll(async () => {
  receiver = createHttpServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const sent = root.lookupType("Request").decode(Buffer.concat(chunks)) as unknown as {
      resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
    };
    spans.push(...sent.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((each) => each.spans)));
    response.end();
  });
  model = createServer();
  model.on("stream", (stream, headers) => {
    asked.push(headers);
    stream.resume().once("end", () => {
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "grpc-status": "3", "grpc-message": "no" },
        { endStream: true },
      );
    });
  });
  for (const server of [receiver, model]) await once(server.listen(0, "127.0.0.1"), "listening");
  gateway = await startLocalGateway({
    traces: new URL(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}`),
    tasks: [{ taskid: "666", port: (model.address() as AddressInfo).port }],
    filters: [wasmFilter("gateway", modulePath("gateway"), pluginConfig)],
    concurrency: 1,
  });
});
afterAll(async () => {
  await gateway?.stop();
  receiver?.close().closeAllConnections();
  model?.close();
});

const post = (headers: Record<string, string>) =>
  fetch(`http://127.0.0.1:${gateway.envoy.port}/v2/models/m/infer`, { method: "POST", headers, body: BODY });
const of = (trace: string) => spans.filter(({ traceId }) => Buffer.from(traceId).toString("hex") === trace);
const attributes = (span: Span | undefined) =>
  Object.fromEntries(span?.attributes.map(({ key, value }) => [key, value?.stringValue]) ?? []);

it("hands the caller's trace on, with a span of the gateway and the filter's decision between", async () => {
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const traceparent = `00-${trace}-b7ad6b7169203331-01`;
  const headers = { "x-api-key": KEY, taskid: "666", traceparent, tracestate: "vendor=1" };
  expect((await post(headers)).status).toBe(400);
  await expect.poll(() => of(trace).length).toBe(2);
  const server = of(trace).find(({ kind }) => kind === SERVER);
  const client = of(trace).find(({ kind }) => kind === CLIENT);
  const id = (bytes: Buffer | undefined) => Buffer.from(bytes ?? []).toString("hex");
  expect(id(server?.parentSpanId)).toBe("b7ad6b7169203331");
  expect(id(client?.parentSpanId)).toBe(id(server?.spanId));
  expect(asked.at(-1)?.traceparent).toBe(`00-${trace}-${id(client?.spanId)}-01`);
  expect(asked.at(-1)?.tracestate).toBe("vendor=1");
  expect(attributes(server)).toMatchObject({
    "upstream_cluster.name": taskCluster("666"),
    "modelgate.passed": "1",
    "http.status_code": "400",
  });
});

it("tells why the filter refused", async () => {
  const trace = "1af7651916cd43dd8448eb211c80319c";
  const traceparent = `00-${trace}-b7ad6b7169203331-01`;
  const before = asked.length;
  expect((await post({ "x-api-key": "wrong", taskid: "666", version: "v2", traceparent })).status).toBe(401);
  await expect.poll(() => of(trace).length).toBe(1);
  const told = attributes(of(trace)[0]);
  expect(told).toMatchObject({
    "modelgate.task": "666",
    "modelgate.version": "v2",
    "modelgate.details": expect.stringContaining("credential_unknown"),
  });
  expect(told["modelgate.passed"]).not.toBe("1");
  expect(asked.length).toBe(before);
});
