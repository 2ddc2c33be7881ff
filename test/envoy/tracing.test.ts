import { once } from "node:events";
import { createServer, type Http2Server, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { taskCluster, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { type LocalGateway, startLocalGateway } from "../../tools/local/dev/gateway.ts";
import { KEY, pluginConfig } from "../support/gateway.ts";
import { attributesOf, type SpanReceiver, startSpanReceiver } from "../support/span-receiver.ts";

const SERVER = 2;
const CLIENT = 3;
const BODY = '{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}';

let receiver: SpanReceiver;
let model: Http2Server;
let gateway: LocalGateway;
const asked: IncomingHttpHeaders[] = [];

beforeAll(async () => {
  receiver = await startSpanReceiver();
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
  await once(model.listen(0, "127.0.0.1"), "listening");
  gateway = await startLocalGateway({
    traces: receiver.url,
    tasks: [{ taskid: "666", port: (model.address() as AddressInfo).port }],
    filters: [wasmFilter("gateway", modulePath("gateway"), pluginConfig)],
    concurrency: 1,
  });
});
afterAll(async () => {
  await gateway?.stop();
  receiver?.stop();
  model?.close();
});

const post = (headers: Record<string, string>) =>
  fetch(`http://127.0.0.1:${gateway.envoy.port}/v2/models/m/infer`, { method: "POST", headers, body: BODY });
const of = (trace: string) =>
  receiver.spans.filter(({ traceId }) => Buffer.from(traceId).toString("hex") === trace);
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
  expect(attributesOf(server)).toMatchObject({
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
  const told = attributesOf(of(trace)[0]);
  expect(told).toMatchObject({
    "modelgate.task": "666",
    "modelgate.version": "v2",
    "modelgate.details": expect.stringContaining("credential_unknown"),
  });
  expect(told["modelgate.passed"]).not.toBe("1");
  // No call to a language model.
  expect(Object.keys(told).filter((name) => name.startsWith("gen_ai."))).toEqual([]);
  expect(asked.length).toBe(before);
});
