import { expect, it } from "vitest";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { authConfig } from "../support/auth.ts";

const CHANGES = 3000;
const SECOND = 1_000_000_000n;

const gateway = {
  tenantAuth: authConfig,
  rateLimit: { tasks: [{ taskid: "666", requestsPerSecond: 1000 }], tenants: [] },
  protocolConversion: { tasks: [{ taskid: "666" }] },
  accessLog: {},
};
const remoteKeys = {
  issuer: "https://keys.example",
  audiences: ["models"],
  remoteJwks: { cluster: "login", authority: "login.example", path: "/keys" },
};

it.each([
  ["that log to a file", gateway],
  ["that log to the collector", { ...gateway, accessLog: { collector: { cluster: "collector" } } }],
  [
    "that log to the collector in protobuf",
    { ...gateway, accessLog: { collector: { cluster: "collector", format: "protobuf" } } },
  ],
  [
    "with a controller",
    {
      ...gateway,
      rateLimit: { ...gateway.rateLimit, controller: { gateway: "a/b", cluster: "controller", pod: "p" } },
    },
  ],
  [
    "that fetch keys",
    { ...gateway, tenantAuth: { ...authConfig, issuers: [...authConfig.issuers, remoteKeys] } },
  ],
])("plug-ins %s come and go and leave nothing behind", (_name, configuration) => {
  const vm = new Vm(modulePath("gateway"));
  let rootId = 1000;
  /** As Envoy does: the new one is there before the old one goes, in the middle of what it had begun. */
  const change = () => {
    vm.exports.proxy_on_context_create(++rootId, 0);
    expect(vm.configure(configuration, rootId), vm.logs.at(-1)).toBe(true);
    vm.process.now += 100n * SECOND;
    vm.exports.proxy_on_tick(rootId);
    vm.callouts.splice(0);
    if (rootId > 1001) vm.exports.proxy_on_delete(rootId - 1);
  };
  // Memory grows once more after some hundreds, and then no more, be it 9,000.
  for (let i = 0; i < 1000; i++) change();
  const before = vm.memoryBytes;
  for (let i = 0; i < CHANGES; i++) change();
  expect(vm.memoryBytes).toBe(before);
});
