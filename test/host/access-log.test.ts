import { describe, expect, it } from "vitest";
import { LOG_FIELDS } from "../../tools/lib/envoy/log-fields.ts";
import { HostProcess } from "../../tools/lib/host/process.ts";
import { Stream } from "../../tools/lib/host/stream.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { STOP } from "../support/actions.ts";
import { random } from "../support/random.ts";

function logged(headers: [string, string][], filterState = {}, config = {}): Record<string, unknown> {
  const vm = new Vm(modulePath("access-log"));
  expect(vm.configure({ accessLog: config }), vm.logs.at(-1)).toBe(true);
  const stream = vm.open(headers, true, filterState);
  stream.close();
  return JSON.parse(`{"a":1${stream.filterState.get("modelgate.log")}}`);
}

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

it("writes what the client sent and the filters found", () => {
  const headers: [string, string][] = [
    [":authority", "a.example"],
    [":method", "POST"],
    [":path", "/x?y"],
    ["taskid", "1"],
    ["version", "v1"],
    ["user-agent", "u"],
    ["x-request-id", "r"],
  ];
  const state = { "modelgate.principal": "search\nbatch", "modelgate.reason": "task_rate_limited" };
  expect(logged(headers, state)).toEqual({
    a: 1,
    authority: "a.example",
    method: "POST",
    path: "/x?y",
    user_agent: "u",
    request_id: "r",
    tenant: "search",
    credential: "batch",
    taskid: "1",
    version: "v1",
    decision: "refused",
    reason: "task_rate_limited",
  });
});

it.each(['"', "\\", "\u0000\u001f\u007f", "é€😀", '","reason":"none'])("escapes %j", (text) => {
  expect(logged([["user-agent", text]]).user_agent).toBe(text);
});

it("bounds each value", () => {
  const long: [string, string][] = [[":path", `/${'"'.repeat(10_000)}`]];
  expect(logged(long).path).toBe(`/${'"'.repeat(255)}`);
  expect(logged(long, {}, { maxValueBytes: 64 }).path).toBe(`/${'"'.repeat(31)}`);
});

it("writes the fields that are wanted, by the names they are given", () => {
  const fields = [
    { field: "start_time" },
    { field: "path", as: 'p"' },
    { field: "model" },
    { field: "trace_id", as: "trace" },
    { field: "gateway" },
  ];
  const headers: [string, string][] = [
    [":path", "/v2/models/a%20b/infer"],
    ["traceparent", TRACEPARENT],
  ];
  expect(logged(headers, {}, { fields, gateway: "edge/search" })).toEqual({
    a: 1,
    'p"': "/v2/models/a%20b/infer",
    model: "a b",
    trace: "4bf92f3577b34da6a3ce929d0e0e4736",
    gateway: "edge/search",
  });
});

it.each([
  ["/v1/models/m:predict", "m"],
  ["/v1/models/m/versions/3:predict?x", "m"],
  ["/v2/models/m/versions/1/infer", "m"],
  ["/v2/models/m", "m"],
  ["/other", undefined],
])("the model of %s", (path, model) => {
  expect(logged([[":path", path]]).model).toBe(model);
});

it.each([
  [{}, "allowed"],
  [{ "modelgate.reason": "task_forbidden" }, "refused"],
  [{ "modelgate.would_refuse": "task_forbidden" }, "would_refuse"],
  [{ "modelgate.reason": "model_error_5" }, "allowed"],
  [{ "modelgate.reason": "upstream_error" }, "allowed"],
])("of %j the decision is %s", (state, decision) => {
  expect(logged([[":method", "GET"]], state).decision).toBe(decision);
});

it("hides header values and parts of paths", () => {
  const config = { redactedHeaders: ["user-agent", "traceparent"], redactedPaths: ["/users/*/**"] };
  const headers: [string, string][] = [
    [":path", "/users/ann/x/y?q=1"],
    ["user-agent", "secret"],
    ["x-request-id", "r"],
  ];
  const line = logged(headers, {}, config);
  expect(line).toMatchObject({ path: "/users/*/*?q=1", user_agent: "[redacted]", request_id: "r" });
  expect(line).not.toHaveProperty("trace_id");
});

it.each([
  ["/%75sers/ann", "/%75sers/*"],
  ["/us%65r%73/ann?q", "/us%65r%73/*?q"],
  ["/users%/ann", "/users%/ann"],
  ["/users%7/ann", "/users%7/ann"],
  ["/users%73/ann", "/users%73/ann"],
  ["/%zzsers/ann", "/%zzsers/ann"],
  ["/user%/ann", "/user%/ann"],
])("of %s, whose path may be percent-encoded, shows %s", (path, shown) => {
  expect(logged([[":path", path]], {}, { redactedPaths: ["/users/*"] }).path).toBe(shown);
});

it.each([
  [{ fields: [{ field: "path", as: "start_time" }] }, "accessLog.fields[0].as: two fields"],
  [
    { fields: [{ field: "pth" }] },
    "accessLog.fields[0].field: unknown field; known are start_time, duration",
  ],
  [{ fields: [{ field: "path" }, { field: "method", as: "path" }] }, "accessLog.fields[1].as: two fields"],
  [{ fields: [{ field: "path", name: "p" }] }, "accessLog.fields[0].name: unknown field"],
  [{ maxValueBytes: 1 }, "accessLog.maxValueBytes: must be at least 64"],
  [{ maxValueBytes: -886_738_367 }, "accessLog.maxValueBytes: must be at least 64"],
  [{ maxValueBytes: 1e300 }, "accessLog.maxValueBytes: must be at most 8192"],
  [{ maxValueBytes: 1e6 }, "accessLog.maxValueBytes: must be at most 8192"],
  [{ redactedPaths: ["x"] }, "accessLog.redactedPaths[0]: must start with /"],
  [{ redactedHeaders: ["cookie"] }, "accessLog.redactedHeaders[0]: no field of a line shows cookie"],
  [{ collector: {} }, "accessLog.collector.cluster: is required"],
  [
    { collector: { cluster: "c" }, fields: LOG_FIELDS.slice(1).map((field) => ({ field })) },
    "accessLog.fields: must hold start_time beside a collector, which counts by it",
  ],
  [
    { collector: { cluster: "c" }, fields: [{ field: "user_agent", as: "ua" }] },
    "accessLog.fields[0].as: a collector knows user_agent by this name only",
  ],
  [
    { collector: { cluster: "c", sample: { ratio: 2 } } },
    "accessLog.collector.sample.ratio: must be at most 1",
  ],
  [
    { collector: { cluster: "c", format: "xml" } },
    "accessLog.collector.format: must be one of json, protobuf",
  ],
  [{ sample: { ratio: 1 } }, "accessLog.sample: unknown field"],
])("refuses %j", (config, fault) => {
  const vm = new Vm(modulePath("access-log"));
  expect(vm.configure({ accessLog: config })).toBe(false);
  expect(vm.logs.at(-1)).toContain(fault);
});

it("says how long each stage was busy", () => {
  const vm = new Vm(modulePath("gateway"));
  const stages = { tenantAuth: { mode: "off" }, rateLimit: {}, protocolConversion: {} };
  expect(vm.configure({ ...stages, accessLog: { fields: [{ field: "phases" }] } }), vm.logs.at(-1)).toBe(
    true,
  );
  const stream = vm.open({ ":path": "/x" }, true);
  stream.close();
  expect(JSON.parse(`{"a":1${stream.filterState.get("modelgate.log")}}`).phases).toEqual({
    tenant_auth: 0,
    rate_limit: 0,
    protocol_conversion: 0,
  });
});

it("says how long stages were busy with a request that waited for a token", () => {
  const process = new HostProcess();
  let now = process.now;
  // Each look at the clock takes a millisecond.
  Object.defineProperty(process, "now", { get: () => (now += 1_000_000n) });
  const vm = new Vm(modulePath("gateway"), process);
  const rateLimit = {
    tasks: [{ taskid: "1", requestsPerSecond: 10, burst: 1 }],
    queue: { maxMilliseconds: 1000 },
  };
  const stages = { tenantAuth: { mode: "off" }, rateLimit, protocolConversion: {} };
  expect(vm.configure({ ...stages, accessLog: { fields: [{ field: "phases" }] } }), vm.logs.at(-1)).toBe(
    true,
  );
  vm.open({ ":path": "/x", taskid: "1" }).close();
  const waiting = vm.open({ ":path": "/x", taskid: "1" });
  expect(waiting.action).toBe(STOP);
  now += 200_000_000n;
  vm.tick();
  expect(waiting.action).toBe(0);
  waiting.close();
  const { phases } = JSON.parse(`{"a":1${waiting.filterState.get("modelgate.log")}}`);
  expect(phases.protocol_conversion).toBeGreaterThan(0);
});

it("shows nothing of the last request in the line of one without headers", () => {
  const vm = new Vm(modulePath("access-log"));
  expect(vm.configure({ accessLog: {} })).toBe(true);
  vm.open({ ":method": "GET", ":path": "/first", "user-agent": "first" }, true).close();
  const stream = vm.open({}, true);
  stream.close();
  expect(stream.filterState.get("modelgate.log")).toBeUndefined();
});

it("shows nothing of the last request in the line of one that Envoy refused", () => {
  const vm = new Vm(modulePath("access-log"));
  expect(vm.configure({ accessLog: {} })).toBe(true);
  vm.open({ ":method": "first", ":path": "/first", "user-agent": "first" }, true).close();
  // Envoy tells of its end and of nothing before.
  const stream = new Stream(vm, 1_000, []);
  vm.streams.set(stream.id, stream);
  vm.stream = stream;
  vm.exports.proxy_on_context_create(stream.id, 1);
  stream.close();
  expect(stream.filterState.get("modelgate.log") ?? "").not.toContain("first");
});

describe("the model that a gRPC caller calls", () => {
  const INFER = "/inference.GRPCInferenceService/ModelInfer";
  const PREDICT = "/tensorflow.serving.PredictionService/Predict";
  const text = (name: string) => field(1, Buffer.from(name));
  const field = (number: number, content: Buffer) =>
    Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(content.length)]), content]);
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)];
  const framed = (message: Buffer, compressed = 0) => {
    const header = Buffer.alloc(5);
    header[0] = compressed;
    header.writeUInt32BE(message.length, 1);
    return Buffer.concat([header, message]);
  };
  const tensors = field(7, Buffer.alloc(100_000, 0x0a));

  function gateway(accessLog: object = {}): Vm {
    const vm = new Vm(modulePath("gateway"));
    const stages = { tenantAuth: { mode: "off" }, rateLimit: {}, protocolConversion: {} };
    expect(vm.configure({ ...stages, accessLog }), vm.logs.at(-1)).toBe(true);
    return vm;
  }

  function open(vm: Vm, path: string) {
    return vm.open({ ":method": "POST", ":path": path, "content-type": "application/grpc" }, false);
  }

  function modelOf(path: string, body: Uint8Array, chunkSize?: number): unknown {
    const stream = open(gateway(), path);
    expect(Buffer.from(stream.sendRequestBody(body, chunkSize)).equals(body)).toBe(true);
    stream.close();
    return JSON.parse(`{"a":1${stream.filterState.get("modelgate.log")}}`).model;
  }

  it.each([
    ["ModelInfer", INFER, framed(Buffer.concat([text("ranking"), tensors])), "ranking"],
    ["a stream", "/inference.GRPCInferenceService/ModelStreamInfer", framed(text("é")), "é"],
    ["Predict", PREDICT, framed(Buffer.concat([field(1, text("half_plus_two")), tensors])), "half_plus_two"],
    [
      "a spec with a signature",
      PREDICT,
      framed(field(1, Buffer.concat([text("m"), field(3, Buffer.from("s"))]))),
      "m",
    ],
    ["a compressed message", INFER, framed(text("ranking"), 1), undefined],
    ["another field first", INFER, framed(Buffer.concat([field(2, Buffer.from("1")), text("m")])), undefined],
    ["no name", INFER, framed(field(1, Buffer.alloc(0))), undefined],
    ["a name that no model has", INFER, framed(text("m".repeat(1000))), undefined],
    ["an empty spec", PREDICT, framed(Buffer.concat([field(1, Buffer.alloc(0)), text("m")])), undefined],
    ["another method", "/other.Service/ModelInfer", framed(text("m")), undefined],
    ["no message", INFER, Buffer.alloc(5), undefined],
  ])("of %s", (_name, path, body, model) => {
    expect(modelOf(path, body)).toBe(model);
  });

  it("is what the first chunk says", () => {
    const body = framed(Buffer.concat([text("ranking"), tensors]));
    expect(modelOf(INFER, body, 1000)).toBe("ranking");
    expect(modelOf(INFER, body, 4)).toBeUndefined();
  });

  it("costs one call to the host, and none where no line has it", () => {
    const body = framed(Buffer.concat([text("ranking"), tensors]));
    for (const [config, calls] of [
      [{}, 1],
      [{ fields: [{ field: "path" }] }, 0],
    ] as const) {
      const vm = gateway(config);
      const stream = open(vm, INFER);
      vm.calls.length = 0;
      stream.sendRequestBody(body, 1000);
      expect(vm.calls).toHaveLength(calls);
      stream.close();
    }
  });

  it("is not the one of another stream, and takes no more memory with each", () => {
    const vm = gateway();
    const run = () => {
      for (let i = 0; i < 3000; i++) {
        const names = [`a${i}`, `b${i}`];
        const streams = names.map(() => open(vm, INFER));
        streams.forEach((stream, at) => void stream.sendRequestBody(framed(text(names[at] as string))));
        for (const [at, stream] of streams.entries()) {
          stream.close();
          expect(stream.filterState.get("modelgate.log")).toContain(`"model":"${names[at]}"`);
        }
      }
      return vm.memoryBytes;
    };
    const warm = run();
    expect(run()).toBe(warm);
  });

  it("is some text or none, whatever the body", () => {
    const { below } = random();
    const vm = gateway();
    for (let i = 0; i < 2000; i++) {
      const body = Buffer.from(Array.from({ length: i % 40 }, () => below(256)));
      if (i % 3 === 0) body.fill(0, 0, Math.min(5, body.length));
      const stream = open(vm, i % 2 === 0 ? INFER : PREDICT);
      stream.sendRequestBody(body);
      stream.close();
      JSON.parse(`{"a":1${stream.filterState.get("modelgate.log")}}`);
    }
  });
});

it("makes no call to the host but one for a line", () => {
  const vm = new Vm(modulePath("gateway"));
  const stages = { tenantAuth: { mode: "off" }, rateLimit: {}, protocolConversion: {} };
  expect(vm.configure({ ...stages, accessLog: {} }), vm.logs.at(-1)).toBe(true);
  const stream = vm.open(
    { ":method": "GET", ":path": "/v2/models/m", "user-agent": "u", traceparent: TRACEPARENT },
    true,
  );
  vm.calls.length = 0;
  stream.close();
  expect(vm.calls).toEqual(["set_property"]);
});

it("keeps the VM's memory flat", () => {
  const vm = new Vm(modulePath("gateway"));
  const stages = { tenantAuth: { mode: "off" }, rateLimit: {}, protocolConversion: {} };
  expect(vm.configure({ ...stages, accessLog: {} }), vm.logs.at(-1)).toBe(true);
  const run = () => {
    for (let i = 0; i < 20_000; i++)
      vm.open({ ":path": `/v2/models/m?${"\u0001".repeat(i % 3000)}` }, true).close();
    return vm.memoryBytes;
  };
  const warm = run();
  expect(run()).toBe(warm);
});

it("has the fields that tools/lib/envoy/log-fields.ts lists", () => {
  const vm = new Vm(modulePath("access-log"));
  expect(vm.configure({ accessLog: { fields: [{ field: "none" }] } })).toBe(false);
  expect(vm.logs.at(-1)).toContain(`known are ${LOG_FIELDS.join(", ")}`);
});

it.each([
  ["let through", "off"],
  ["refused", "enforce"],
])("shows no redacted parameter of a request that is %s", (_name, mode) => {
  const vm = new Vm(modulePath("gateway"));
  const stages = { rateLimit: {}, protocolConversion: {}, accessLog: { redactedParameters: ["k"] } };
  expect(vm.configure({ tenantAuth: { mode }, ...stages }), vm.logs.at(-1)).toBe(true);
  const stream = vm.open({ ":path": "/x?k=secret&a=b", taskid: "1" }, true);
  expect(stream.reply !== undefined).toBe(mode === "enforce");
  stream.close();
  expect(stream.filterState.get("modelgate.log")).toContain('"path":"/x?a=b"');
});
