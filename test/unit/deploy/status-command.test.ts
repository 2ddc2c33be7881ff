import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { statusCommand } from "../../../tools/cli/commands/status.ts";
import { FakeApiServer } from "../../support/fake-api-server.ts";
import { runHere } from "../../support/modelgate.ts";

const connected = vi.hoisted(() => ({ client: undefined as unknown }));
vi.mock("../../../tools/lib/kubernetes/connect.ts", async (original) => {
  const real = await original<typeof import("../../../tools/lib/kubernetes/connect.ts")>();
  return { ...real, connect: (options: object) => connected.client ?? real.connect(options) };
});
const pods = vi.hoisted(() => ({ each: [] as object[] }));
vi.mock("../../../tools/cluster/deploy/status.ts", async (original) => {
  const real = await original<typeof import("../../../tools/cluster/deploy/status.ts")>();
  return {
    ...real,
    gatewayStatus: async (_: unknown, tenants: object[]) => new Map(tenants.map((each) => [each, pods.each])),
  };
});

const DIGEST = `sha256:${"a".repeat(64)}`;
const GOOD = {
  ...{ namespace: "search", name: "gateway-1", slice: "", ready: true, wanted: DIGEST, running: DIGEST },
  ...{ versions: [], unchecked: 0 },
};
const TENANT = {
  ...{ apiVersion: "modelgate.dev/v1alpha1", kind: "Tenant", metadata: { name: "search" } },
  spec: { namespaces: ["search"], gateway: { name: "g", namespace: "search", hosts: ["a.example"] } },
};

let api: FakeApiServer;
beforeEach(async () => {
  api = new FakeApiServer();
  await api.start();
  connected.client = api.client;
  pods.each = [GOOD];
});
afterEach(async () => {
  connected.client = undefined;
  await api.stop();
});
const status = (...args: string[]) => runHere(statusCommand(), args);

it("exit codes: 0 all is well, 1 something is not, 2 it could not be asked", async () => {
  expect(await status()).toMatchObject({ code: 0, stderr: expect.stringContaining("no Tenants here") });
  await api.apply(TENANT);
  expect(await status("search")).toMatchObject({ code: 0, stdout: expect.stringContaining("in sync") });
  pods.each = [GOOD, { ...GOOD, ready: false }];
  expect(await status()).toMatchObject({ code: 1, stdout: expect.stringContaining("not ready") });
  pods.each = [];
  expect(await status()).toMatchObject({ code: 1, stdout: expect.stringContaining("no pods") });
  expect(await status("other")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no Tenant "other"'),
  });
  expect((await status("--no-such-option")).code).toBe(2);
  expect((await status("-f", "no-such-file.yaml")).code).toBe(2);
  expect((await status("--help")).code).toBe(0);
  await api.stop();
  expect((await status()).code).toBe(2);
});

it("says the same as JSON and as YAML, and names pods", async () => {
  await api.apply(TENANT);
  const gateways = [{ tenant: "search", gateway: "search/g", pods: [{ ...GOOD, inSync: true }] }];
  expect(JSON.parse((await status("-o", "json")).stdout)).toEqual({ gateways });
  expect(parse((await status("-o", "yaml")).stdout)).toEqual({ gateways });
  expect((await status("-o", "name")).stdout).toBe("pod/gateway-1\n");
});
