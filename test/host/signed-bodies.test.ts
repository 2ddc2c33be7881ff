import { expect, it } from "vitest";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { authConfig, signed } from "../support/auth.ts";

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
