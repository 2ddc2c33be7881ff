import { expect, it } from "vitest";
import { Vm } from "../../tools/host/host.ts";
import { modulePath } from "../../tools/wasm/modules.ts";

function logged(headers: [string, string][], filterState = {}): Record<string, string> {
  const vm = new Vm(modulePath("access-log"));
  expect(vm.configure({ accessLog: {} })).toBe(true);
  const stream = vm.open(headers, true, filterState);
  stream.close();
  return JSON.parse(`{"a":1${stream.filterState.get("modelgate.log")}}`);
}

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
  expect(logged([[":path", "/".repeat(10_000)]]).path?.length).toBe(512);
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
