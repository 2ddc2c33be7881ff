import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { checkFilter } from "../../tools/cluster/istio/native-check.ts";
import { httpCluster, WASM_TYPE, type WasmFilter, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { discoveredFilter, writeFilterConfig } from "../../tools/lib/envoy/extension-config.ts";
import { type TemporaryFolder, temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { SectionId, section } from "../../tools/lib/wasm/binary.ts";
import { Op } from "../../tools/lib/wasm/instructions.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { type CheckedGateway, startCheckedGateway } from "../support/checked-gateway.ts";
import { KEY, pluginConfig } from "../support/gateway.ts";
import { separateFilters } from "../support/separate-filters.ts";
import { builtTestModule } from "../support/wasm.ts";

const REFUSAL = { error: "the gateway's filter did not check the request", reason: "filter_missing" };
/** Sections that no tool of the project reads. */
const MEMORY = 5;
const START = 8;
const good = { "x-api-key": KEY };
let gateway: CheckedGateway;
afterEach(() => gateway?.stop());

function filter(mode: "enforce" | "dryRun" | "off" = "enforce"): WasmFilter {
  const { tenants } = pluginConfig.tenantAuth;
  return wasmFilter("gateway", modulePath("gateway"), {
    ...pluginConfig,
    tenantAuth: { tenants, mode },
    protocolConversion: {},
  });
}

describe("with the filter in its place", () => {
  it.each([
    ["gateway.wasm", () => [filter(), checkFilter()]],
    [
      "the stages as filters of their own",
      () => [...separateFilters({ ...pluginConfig, protocolConversion: { tasks: [] } }), checkFilter()],
    ],
  ])("%s lets through what it has checked, and gives its own reasons", async (_name, filters) => {
    gateway = await startCheckedGateway(filters());
    expect((await gateway.get(good)).text).toBe("model");
    const refused = await gateway.get();
    expect([refused.status, JSON.parse(refused.text).reason]).toEqual([401, "credential_missing"]);
    expect((await gateway.get({ ...good, taskid: "1" })).status).toBe(403);
    expect(gateway.served()).toBe(1);
  });

  it.each(["dryRun", "off"] as const)("mode %s carries the mark as well", async (mode) => {
    gateway = await startCheckedGateway([filter(mode), checkFilter()]);
    expect((await gateway.get()).text).toBe("model");
    expect((await gateway.get(good)).text).toBe("model");
  });

  it("another Wasm filter in front changes nothing", async () => {
    const noOp = await builtTestModule("no-op");
    gateway = await startCheckedGateway([wasmFilter("no-op", noOp, { noOp: {} }), filter(), checkFilter()]);
    expect((await gateway.get(good)).text).toBe("model");
    expect((await gateway.get()).status).toBe(401);
  });
});

describe("not one request reaches a model", () => {
  const forged = {
    ...good,
    "wasm.modelgate.passed": "1",
    "modelgate.passed": "1",
    "x-modelgate-passed": "1",
  };

  it.each([
    ["the filter is not there", () => [checkFilter()]],
    ["the check comes before the filter", () => [checkFilter(), filter()]],
    ["another filter has its place", () => [separateFilters(pluginConfig).at(-2) as object, checkFilter()]],
  ])("when %s: HTTP and gRPC callers get a reason of its own", async (_name, filters) => {
    gateway = await startCheckedGateway(filters());
    for (const headers of [{}, good, forged]) {
      const { status, headers: got, text } = await gateway.get(headers);
      expect([status, got.get("content-type")]).toEqual([503, "application/json"]);
      expect(JSON.parse(text)).toEqual(REFUSAL);
    }
    const { headers } = await gateway.get({ ...good, "content-type": "application/grpc" });
    expect(headers.get("grpc-status")).toBe("14");
    expect(headers.get("grpc-message")).toBe(REFUSAL.error);
    expect(gateway.served()).toBe(0);
    const stats = await fetch(
      `http://127.0.0.1:${gateway.envoy.adminPort}/stats?filter=rbac.modelgate.denied`,
    );
    expect(await stats.text()).toBe("http.gateway.rbac.modelgate.denied: 4\n");
  });

  describe("and nothing that Envoy can't start opens the gateway", () => {
    let folder: TemporaryFolder;
    beforeAll(async () => {
      folder = await temporaryFolder(join(tmpdir(), "modelgate-check-"));
    });
    afterAll(() => folder.remove());

    const module = async (name: string, bytes: Uint8Array) => {
      const path = join(folder.path, name);
      await writeFile(path, bytes);
      return wasmFilter("gateway", path, pluginConfig);
    };
    // (module (func $s unreachable) (start $s) (memory (export "memory") 1))
    const trapping = () => {
      const bytes = Buffer.concat([
        Buffer.from("\0asm\x01\0\0\0"),
        section(SectionId.TYPE, Buffer.of(1, 0x60, 0, 0)),
        section(SectionId.FUNCTION, Buffer.of(1, 0)),
        section(MEMORY, Buffer.of(1, 0, 1)),
        section(SectionId.EXPORT, Buffer.of(1, 6, ...Buffer.from("memory"), 2, 0)),
        section(START, Buffer.of(0)),
        section(SectionId.CODE, Buffer.of(1, 3, 0, Op.UNREACHABLE, Op.END)),
      ]);
      expect(() => new WebAssembly.Instance(new WebAssembly.Module(bytes))).toThrow("unreachable");
      return bytes;
    };

    it("a configuration that never comes: Envoy stops waiting for it, and refuses", async () => {
      const silent = createServer(() => {}).listen(0, "127.0.0.1");
      await once(silent, "listening");
      const { port } = silent.address() as AddressInfo;
      const waited = {
        name: "modelgate.gateway",
        config_discovery: {
          config_source: {
            api_config_source: {
              ...{ api_type: "REST", transport_api_version: "V3", cluster_names: ["discovery"] },
              ...{ refresh_delay: "60s", request_timeout: "60s" },
            },
            ...{ initial_fetch_timeout: "1s", resource_api_version: "V3" },
          },
          type_urls: [WASM_TYPE],
        },
      };
      gateway = await startCheckedGateway([waited, checkFilter()], [], undefined, [
        httpCluster("discovery", port),
      ]);
      for (const headers of [{}, good, forged])
        expect((await gateway.get(headers)).status).toBeGreaterThan(499);
      expect(gateway.served()).toBe(0);
      silent.close();
    });

    it.each<[string, () => Promise<WasmFilter> | WasmFilter]>([
      ["a module that is missing", () => wasmFilter("gateway", join(folder.path, "none.wasm"), pluginConfig)],
      ["a module of garbage", () => module("garbage.wasm", Buffer.from("garbage"))],
      ["a module that traps at start", () => module("trap.wasm", trapping())],
      [
        "a configuration that the filter refuses",
        () => wasmFilter("gateway", modulePath("gateway"), { tenantAuth: { tenant: 1 } }),
      ],
    ])("%s", async (_name, make) => {
      const file = join(folder.path, "filter.json");
      const broken = await make();
      await writeFilterConfig(file, broken);
      gateway = await startCheckedGateway([discoveredFilter(broken.name, file, WASM_TYPE), checkFilter()]);
      for (const headers of [{}, good, forged])
        expect((await gateway.get(headers)).status).toBeGreaterThan(499);
      expect(gateway.served()).toBe(0);
      // The same file with a sound filter: its requests are served.
      await writeFilterConfig(file, filter());
      await expect.poll(async () => (await gateway.get(good)).text, { timeout: 10_000 }).toBe("model");
    });
  });
});
