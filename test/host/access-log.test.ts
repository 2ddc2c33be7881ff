import { expect, it } from "vitest";
import { LOG_FIELDS } from "../../tools/envoy/log-fields.ts";
import { Vm } from "../../tools/host/host.ts";
import { modulePath } from "../../tools/wasm/modules.ts";

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

it("shows nothing of the last request in the line of one without headers", () => {
  const vm = new Vm(modulePath("access-log"));
  expect(vm.configure({ accessLog: {} })).toBe(true);
  vm.open({ ":method": "GET", ":path": "/first", "user-agent": "first" }, true).close();
  const stream = vm.open({}, true);
  stream.close();
  expect(stream.filterState.get("modelgate.log")).toBeUndefined();
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

it("has the fields that tools/envoy/log-fields.ts lists", () => {
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
