import { expect, it } from "vitest";
import { HostProcess } from "../../tools/lib/host/process.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { KEY, pluginConfig } from "../support/gateway.ts";

/** Streams and their time in a clock of the test's own; what Envoy makes of it is in test/envoy/streams.test.ts. */

const MILLISECOND = 1_000_000n;

function gateway(task: object) {
  const [tenant] = pluginConfig.tenantAuth.tenants;
  const process = new HostProcess();
  const vm = new Vm(modulePath("gateway"), process);
  const config = {
    tenantAuth: { tenants: [{ ...tenant, tasks: [{ task: "*" }] }] },
    streams: { tasks: [{ taskid: "t", lifts: true, ...task }] },
    ...{ rateLimit: {}, protocolConversion: {}, accessLog: {} },
  };
  expect(vm.configure(config), vm.logs.join("\n")).toBe(true);
  const open = (headers: Record<string, string> = { accept: "text/event-stream" }) =>
    vm.open({ ":method": "POST", ":path": "/any", "x-api-key": KEY, taskid: "t", ...headers }, false);
  return { vm, process, open };
}

const EVENTS: [string, string] = ["content-type", "text/event-stream"];
const OK: [string, string] = [":status", "200"];
const EVENT = Buffer.from("data: 1\n\n");

it.each([
  [{ accept: "text/event-stream" }, "1500"],
  [{ accept: "application/json;q=0.9, application/x-ndjson" }, "1500"],
  [{ ":path": "/v1/generate_stream?x" }, "1500"],
  [
    { "content-type": "application/grpc", ":path": "/inference.GRPCInferenceService/ModelStreamInfer" },
    "1500",
  ],
  [{ accept: "*/*" }, undefined],
  [{}, undefined],
  [{ accept: "application/json, text/event-stream;q=0.1" }, undefined],
  [{ ":path": "/generate_stream/other" }, undefined],
  [{ "content-type": "application/grpc", ":path": "/inference.GRPCInferenceService/ModelInfer" }, undefined],
])("a request with %j has the time %s of a stream", (headers, time) => {
  const { open } = gateway({ timeoutMilliseconds: 500 });
  expect(open(headers).header("x-envoy-upstream-rq-timeout-ms")).toBe(time);
});

it("a stream without a limit lasts as long as it likes", () => {
  const { open, process } = gateway({});
  const stream = open();
  expect(stream.header("x-envoy-upstream-rq-timeout-ms")).toBe("0");
  stream.respond([OK, EVENTS], EVENT, undefined, false);
  process.now += 100_000n * MILLISECOND;
  expect(Buffer.from(stream.sendResponseBody(EVENT))).toEqual(EVENT);
});

it.each([
  ["events", "text/event-stream", "data: 1\n\n", "data: ", "\n\n"],
  ["events of CRLF", "Text/Event-Stream; charset=utf-8", "data: 1\r\n\r\n", "data: ", "\n\n"],
  ["lines", "application/x-ndjson", '{"a":1}\n', "", "\n"],
])("a stream of %s ends behind a whole one, with an error", (_, type, piece, before, after) => {
  const { vm, open, process } = gateway({ timeoutMilliseconds: 500 });
  const stream = open();
  stream.respond([OK, ["content-type", type]], Buffer.from(piece), undefined, false);
  process.now += 501n * MILLISECOND;
  const [first, rest] = [piece.slice(0, 3), piece.slice(3)];
  expect(`${Buffer.from(stream.sendResponseBody(Buffer.from(first)))}`).toBe(first);
  const error =
    '{"error":"the stream took longer than its task\'s stream.timeout","reason":"stream_timeout"}';
  expect(`${Buffer.from(stream.sendResponseBody(Buffer.from(rest)))}`).toBe(rest + before + error + after);
  // What comes until the stream is reset is nobody's.
  expect([stream.sendResponseBody(Buffer.from(piece)).length, stream.isReset]).toEqual([0, false]);
  vm.tick();
  expect([stream.isReset, vm.tickPeriodMs]).toEqual([true, 1000]);
  stream.close();
});

it("a stream that ends by itself in time, or right behind its error, is not reset", () => {
  const { vm, open, process } = gateway({ timeoutMilliseconds: 500 });
  const inTime = open();
  inTime.respond([OK, EVENTS], EVENT, undefined, false);
  const late = open();
  late.respond([OK, EVENTS], EVENT, undefined, false);
  process.now += 501n * MILLISECOND;
  expect(Buffer.from(inTime.sendResponseBody(EVENT, undefined, true))).toEqual(EVENT);
  late.sendResponseBody(EVENT);
  late.close();
  expect(vm.tickPeriodMs).toBe(1000);
  vm.tick();
  expect([inTime.isReset, late.isReset]).toEqual([false, false]);
});

it.each([
  [["content-type", "application/json"]],
  [
    ["content-type", "text/event-stream"],
    ["content-encoding", "gzip"],
  ],
])("a response with %j has no last event", (...headers) => {
  const { open, process } = gateway({ timeoutMilliseconds: 500 });
  const stream = open();
  stream.respond([OK, ...(headers as unknown as [string, string][])], EVENT, undefined, false);
  process.now += 501n * MILLISECOND;
  expect(Buffer.from(stream.sendResponseBody(EVENT))).toEqual(EVENT);
});
