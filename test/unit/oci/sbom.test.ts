import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { expect, it } from "vitest";
import type { Blob } from "../../../tools/lib/oci/image.ts";
import { commandBill, moduleBill } from "../../../tools/lib/oci/sbom.ts";
import { readModule, readSources } from "../../../tools/lib/wasm/read.ts";
import { versionOf } from "../../../tools/lib/wasm/version.ts";

interface Component {
  name: string;
  group?: string;
  version?: string;
  type: string;
  hashes?: object[];
  licenses?: object[];
  evidence?: { copyright: { text: string }[] };
}

const gatewayBill = async () =>
  moduleBill("gateway", await readModule("gateway"), await readSources("gateway"));

async function valid({ bytes }: Blob) {
  const text = new TextDecoder().decode(bytes);
  expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)).toBeNull();
  const { components, metadata, dependencies } = JSON.parse(text);
  return { components: components as Component[], own: metadata.component as Component, dependencies };
}

const fileDigest = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

it("of a module is valid CycloneDX and names what it is built with, and under what licence", async () => {
  const { components, own } = await valid(await gatewayBill());
  expect(own).toMatchObject({ name: "gateway", version: versionOf(await readModule("gateway")) });
  expect(own.hashes).toEqual([{ alg: "SHA-256", content: fileDigest("build/gateway.wasm") }]);
  const packages = components.filter(({ type }) => type === "library");
  expect(packages.map(({ name }) => name).sort()).toEqual([
    "assemblyscript",
    "binaryen",
    "long",
    "proxy-runtime",
  ]);
  for (const each of packages) expect(each.licenses).toEqual([{ license: { id: "Apache-2.0" } }]);
});

it("of a module holds each source file with the digest that it has here", async () => {
  const { components } = await valid(await gatewayBill());
  const files = components.filter(({ type }) => type === "file");
  expect(files.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["filters/gateway/module.ts", "filters/tenant-auth/tenant-auth.ts"]),
  );
  expect(files.filter(({ name }) => !name.startsWith("filters/"))).toEqual([]);
  for (const { name, hashes } of files)
    expect(hashes).toEqual([{ alg: "SHA-256", content: fileDigest(name) }]);
});

it("of a module hands on the notices of what is compiled into it", async () => {
  const { components } = await valid(await gatewayBill());
  const notice = components.find(({ name }) => name === "assemblyscript")?.evidence?.copyright[0]?.text;
  expect(notice).toBe(readFileSync("node_modules/assemblyscript/NOTICE", "utf8"));
});

it("of the command is valid CycloneDX and names all that runs with it, each with digest and licence", async () => {
  const { components, own, dependencies } = await valid(await commandBill());
  expect(own).toMatchObject({ name: "modelgate", type: "application" });
  expect(components.filter(({ hashes, licenses }) => !hashes || !licenses)).toEqual([]);
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")).packages as Record<string, Locked>;
  const production = Object.entries(lock)
    .filter(([path, { dev, link }]) => path && !dev && !link)
    .map(([path, { version }]) => `${path.slice(path.lastIndexOf("node_modules/") + 13)}@${version}`);
  const names = components.map(({ group, name, version }) => `${group ? `${group}/` : ""}${name}@${version}`);
  expect(names.sort()).toEqual([...new Set(production)].sort());
  expect(dependencies).toHaveLength(components.length + 1);
});

it("is the same each time", async () => {
  const digests = await Promise.all([gatewayBill(), gatewayBill(), commandBill(), commandBill()]);
  expect(digests[0]?.digest).toBe(digests[1]?.digest);
  expect(digests[2]?.digest).toBe(digests[3]?.digest);
});

interface Locked {
  version: string;
  dev?: boolean;
  link?: boolean;
}
