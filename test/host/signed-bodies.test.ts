import { expect, it } from "vitest";
import { CONTINUE } from "../../tools/lib/host/stream.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { authConfig, type Call, signed } from "../support/auth.ts";

it.each([1, 20, 1000])("a signed body in chunks of %d bytes, without a length, is converted", (chunkSize) => {
  const vm = new Vm(modulePath("gateway"));
  const protocolConversion = { tasks: [{ taskid: "666" }] };
  expect(vm.configure({ tenantAuth: authConfig, rateLimit: {}, protocolConversion, accessLog: {} })).toBe(
    true,
  );
  const body = JSON.stringify({ inputs: [{ name: "x", shape: [2], datatype: "INT32", data: [1, 2] }] });
  const { headers } = signed({ headers: [["taskid", "666"]], body });
  const request: [string, string][] = [
    [":method", "POST"],
    [":path", "/v2/models/m/infer"],
    [":authority", "gateway.example"],
  ];
  const stream = vm.open([...request, ...headers], false);
  const passed = stream.sendRequestBody(Buffer.from(body), chunkSize);
  expect(stream.reply?.details).toBeUndefined();
  expect(passed.length).toBeGreaterThan(20);
});

/** A signed POST through tenant-auth alone, its body still to come. */
function begin(mode = "enforce", more: [string, string][] = []) {
  const vm = new Vm(modulePath("tenant-auth"));
  expect(vm.configure({ tenantAuth: { ...authConfig, mode } })).toBe(true);
  const call: Call = { headers: [["taskid", "666"], ["content-length", "6"], ...more], body: "signed" };
  const pseudo: [string, string][] = [
    [":method", "POST"],
    [":path", "/v2/models/m/infer"],
    [":authority", "gateway.example"],
  ];
  return vm.open([...pseudo, ...signed(call).headers], false);
}

it.each<[string, string, string | undefined]>([
  ["as it was signed", "signed", undefined],
  ["changed", "forged", "digest_wrong"],
  ["cut", "signe", "digest_wrong"],
  ["longer", "signed!", "digest_wrong"],
])("a body %s that ends in trailers has its digest checked", (_name, body, reason) => {
  const stream = begin();
  stream.sendRequestBody(Buffer.from(body), 2, false);
  expect(stream.reply).toBeUndefined();
  stream.endRequest();
  expect(stream.reply?.details).toBe(reason);
  expect(stream.action === CONTINUE).toBe(reason === undefined);
});

it("no content-length tells the model server that a signed body is whole before it is checked", () => {
  expect(begin().header("content-length")).toBeUndefined();
});

it("a dry run notes a body that was not signed, and lets it through", () => {
  const stream = begin("dryRun");
  expect(stream.header("content-length")).toBe("6");
  expect(stream.sendRequestBody(Buffer.from("forged"))).toEqual(Buffer.from("forged"));
  expect(stream.reply).toBeUndefined();
  expect(stream.filterState.get("modelgate.would_refuse")).toBe("digest_wrong");
});
