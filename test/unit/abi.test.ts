import { expect, it } from "vitest";
import { abiFaults } from "../../tools/lib/wasm/abi.ts";
import { MODULES } from "../../tools/lib/wasm/modules.ts";
import { readModule } from "../../tools/lib/wasm/read.ts";

it.each(MODULES)("Envoy can run %s", async (name) => {
  expect(abiFaults(await readModule(name))).toEqual([]);
});

it("names imports that Envoy lacks", () => {
  const text = new TextEncoder();
  const [from, name] = [text.encode("env"), text.encode("proxy_teleport")];
  const type = [1, 4, 1, 0x60, 0, 0];
  const entry = [from.length, ...from, name.length, ...name, 0, 0];
  const bytes = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...type, 2, entry.length + 1, 1, ...entry);
  expect(abiFaults(bytes)).toContain("it imports env.proxy_teleport, which Envoy lacks");
});

it("is no module", () => {
  expect(abiFaults(Uint8Array.of(1, 2, 3))[0]).toContain("it is no WebAssembly module");
});
