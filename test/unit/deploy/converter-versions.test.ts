import { expect, it } from "vitest";
import type { Resources } from "../../../tools/api/cross-check.ts";
import { checkConverters } from "../../../tools/cluster/deploy/converter-versions.ts";
import type { Plan } from "../../../tools/cluster/deploy/plan.ts";
import { TENANT_LABEL } from "../../../tools/cluster/istio/names.ts";
import { withSdkVersion } from "../../../tools/lib/wasm/made-with.ts";
import { withVersion } from "../../../tools/lib/wasm/version.ts";

/** A module of one function that does nothing, exported as all that Envoy needs of a filter. */
const NAMES = ["proxy_abi_version_0_2_1", "proxy_on_memory_allocate", "proxy_on_context_create"];
const exported = Buffer.concat([
  Buffer.from([NAMES.length]),
  ...NAMES.flatMap((name) => [Buffer.from([name.length]), Buffer.from(name), Buffer.from([0, 0])]),
]);
const MODULE = Buffer.concat([
  Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 7, exported.length]),
  ...[exported, Buffer.from([10, 4, 1, 2, 0, 0x0b])],
]);
/** With room for a version, as a filter has. */
const filter = (version: string) =>
  withVersion(Buffer.from(`modelgate.version.${"?".repeat(32)}`, "utf16le"), version);

const files = (converter?: string) =>
  ({
    tenants: [],
    tasks: [
      { resource: { metadata: { name: "ranking" }, spec: { tenant: "search", conversion: { converter } } } },
    ],
  }) as unknown as Resources;
const planned = {
  changes: [
    {
      desired: {
        ...{ kind: "WasmPlugin", metadata: { name: "g", labels: { [TENANT_LABEL]: "search" } } },
        spec: { url: "oci://a/gateway@sha256:1" },
      },
    },
  ],
} as unknown as Plan;

function check(sdk: string | undefined, gateway: string): Promise<string[]> {
  return checkConverters(files("oci://a/converter@sha256:2"), planned, async (image) => {
    if (image.includes("gateway")) return filter(gateway);
    return sdk === undefined ? MODULE : withSdkVersion(MODULE, sdk);
  });
}

it.each([
  ["1.4.0", "1.4.2"],
  ["1.4.0", "1.5.0"],
  ["1.5.9", "1.4.0"],
])("a converter made with %s fits a gateway of %s", async (sdk, gateway) => {
  expect(await check(sdk, gateway)).toEqual([]);
});

it.each([
  ["1.4.0", "1.6.0"],
  ["1.4.0", "2.4.0"],
])("a converter made with %s does not fit a gateway of %s", async (sdk, gateway) => {
  await expect(check(sdk, gateway)).rejects.toThrow(
    `ModelTask/ranking: spec.conversion.converter: oci://a/converter@sha256:2 was made with the SDK of version ${sdk}, and the gateways are of ${gateway}`,
  );
});

it("what is not known is told, and holds nothing up", async () => {
  expect(await check(undefined, "1.4.0")).toEqual([expect.stringContaining("does not say which SDK")]);
  const silent = () => Promise.reject(new Error("no such host"));
  expect(await checkConverters(files("oci://a/converter@sha256:2"), planned, silent)).toEqual([
    "the version of oci://a/gateway@sha256:1 is not known here: no such host",
  ]);
  expect(await checkConverters(files(), planned, silent)).toEqual([]);
});
