import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { expect, it } from "vitest";
import { billOfMaterials } from "../../../tools/oci/sbom.ts";

const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

it("is valid CycloneDX and names what a module is built with, and under what licence", async () => {
  const { bytes } = await billOfMaterials("gateway", MODULE);
  const text = new TextDecoder().decode(bytes);
  expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)).toBeNull();
  const { components, metadata } = JSON.parse(text);
  expect(metadata.component).toMatchObject({ name: "gateway", hashes: [{ alg: "SHA-256" }] });
  expect(components.map(({ name }: { name: string }) => name).sort()).toEqual(
    expect.arrayContaining(["assemblyscript", "binaryen", "long", "proxy-runtime"]),
  );
  for (const each of components)
    expect(each).toMatchObject({ licenses: [{ license: { id: "Apache-2.0" } }] });
});

it("is the same for the same module", async () => {
  const digests = await Promise.all([1, 2].map(() => billOfMaterials("gateway", MODULE)));
  expect(digests[0]?.digest).toBe(digests[1]?.digest);
});
