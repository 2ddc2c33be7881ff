import { afterEach, describe, expect, it } from "vitest";
import { modelTask } from "../../tools/api/model-task.ts";
import { tenant } from "../../tools/api/tenant.ts";
import { corsReplies } from "../../tools/cluster/istio/cors-replies.ts";
import { checkFilter } from "../../tools/cluster/istio/native-check.ts";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { type CheckedGateway, startCheckedGateway } from "../support/checked-gateway.ts";
import { KEY, pluginConfig } from "../support/gateway.ts";
import { builtTestModule } from "../support/wasm.ts";

const apiVersion = "modelgate.dev/v1alpha1";
const department = tenant.parse({
  ...{ apiVersion, kind: "Tenant", metadata: { name: "search" } },
  spec: {
    namespaces: ["search"],
    gateway: { name: "gateway", namespace: "search", hosts: ["search.example"] },
    cors: { origins: ["https://app.example", "https://*.wide.example"] },
  },
});
const bank = modelTask.parse({
  ...{ apiVersion, kind: "ModelTask", metadata: { name: "bank", namespace: "search" } },
  spec: {
    ...{ taskid: "bank", tenant: "search", service: { name: "bank" } },
    cors: { origins: ["https://bank.example"], credentials: true },
  },
});
const replies = corsReplies(department, [bank]);

let gateway: CheckedGateway | undefined;
afterEach(() => gateway?.stop());

const CASES: [origin: string, taskid: string, allowed: boolean, credentials?: boolean][] = [
  ["https://app.example", "666", true],
  ["https://a.wide.example", "666", true],
  ["https://wide.example", "666", false],
  ["https://other.example", "666", false],
  ["https://bank.example", "bank", true, true],
  ["https://app.example", "bank", false],
  ["https://bank.example", "666", false],
];

async function expectHeaders(status: number, headers: Record<string, string> = {}) {
  for (const [origin, taskid, allowed, credentials] of CASES) {
    const answer = await gateway?.get({ ...headers, origin, taskid });
    const said = (name: string) => answer?.headers.get(name) ?? null;
    expect([origin, taskid, answer?.status]).toEqual([origin, taskid, status]);
    expect([origin, taskid, said("access-control-allow-origin")]).toEqual([
      ...[origin, taskid, allowed ? origin : null],
    ]);
    expect(said("access-control-allow-credentials")).toBe(credentials ? "true" : null);
    expect(said("vary")).toBe(allowed ? "origin" : null);
  }
  const plain = await gateway?.get(headers);
  expect(plain?.headers.has("access-control-allow-origin")).toBe(false);
}

describe("what Envoy answers by itself says to a page of another origin that it may read it:", () => {
  it("a trapped VM", async () => {
    const trap = wasmFilter("trap", await builtTestModule("trap"), { trap: {} });
    gateway = await startCheckedGateway([trap], replies);
    await expectHeaders(503, { "x-trap": "1" });
  });

  it("a filter that is missing, with the reason as before", async () => {
    gateway = await startCheckedGateway([checkFilter()], replies);
    await expectHeaders(503);
    const { text } = await gateway.get({ origin: "https://app.example" });
    expect(JSON.parse(text).reason).toBe("filter_missing");
  });

  it("the filter's own refusals say it once", async () => {
    const tenantAuth = { ...pluginConfig.tenantAuth, cors: { origins: ["https://app.example"] } };
    const filter = wasmFilter("gateway", modulePath("gateway"), { ...pluginConfig, tenantAuth });
    gateway = await startCheckedGateway([filter, checkFilter()], replies);
    const { status, headers } = await gateway.get({ origin: "https://app.example", "x-api-key": `${KEY}!` });
    expect([status, headers.get("access-control-allow-origin"), headers.get("vary")]).toEqual([
      ...[401, "https://app.example", "origin"],
    ]);
  });

  it("no route", async () => {
    gateway = await startCheckedGateway([], replies, []);
    const { status, headers } = await gateway.get({ origin: "https://app.example", taskid: "unknown" });
    expect([status, headers.get("access-control-allow-origin")]).toEqual([404, "https://app.example"]);
  });
});
