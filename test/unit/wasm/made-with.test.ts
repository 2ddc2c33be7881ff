import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkModule, checkSdkVersion, madeWith, withSdkVersion } from "../../../tools/lib/wasm/made-with.ts";
import { modulePath } from "../../../tools/lib/wasm/modules.ts";

const gateway = readFileSync(modulePath("gateway"));

it("a module says which SDK and ABI it was made with", () => {
  const module = withSdkVersion(gateway, "0.4.2");
  expect(madeWith(module)).toEqual({ sdk: "0.4.2", abi: "0.2.1" });
  expect(WebAssembly.validate(module as BufferSource)).toBe(true);
  expect(madeWith(gateway)).toBeUndefined();
});

describe("versions", () => {
  it.each([
    ["0.4.2", "0.4.0"],
    ["0.4.2", "0.5.9"],
    ["0.5.0", "0.4.9"],
  ])("%s and %s fit", (sdk, own) => {
    checkSdkVersion(sdk, own);
    checkModule(withSdkVersion(gateway, sdk), own, "converter.wasm");
  });

  it.each([
    ["0.4.2", "0.6.0"],
    ["1.4.2", "0.4.2"],
  ])("%s and %s do not, and both are named", (sdk, own) => {
    expect(() => checkSdkVersion(sdk, own)).toThrow(
      `the SDK is of version ${sdk}, and modelgate with its gateways of ${own}: they may be one minor version ` +
        `apart; run npm install --save-dev @modelgate/filter-sdk@${own}`,
    );
    expect(() => checkModule(withSdkVersion(gateway, sdk), own, "converter.wasm")).toThrow(
      `converter.wasm was made with the SDK of version ${sdk}, and the gateways are of ${own}`,
    );
  });
});

it("a module without its version, or that Envoy can't run, is refused", () => {
  expect(() => checkModule(gateway, "0.4.0", "x.wasm")).toThrow("build it anew with modelgate 0.4.0");
  const empty = Buffer.from("0061736d01000000", "hex");
  expect(() => checkModule(withSdkVersion(empty, "0.4.0"), "0.4.0", "x.wasm")).toThrow(
    "x.wasm can't run in Envoy: it exports no proxy_abi_version_0_2_1",
  );
});
