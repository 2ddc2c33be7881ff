import { gunzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { wasmPlugin } from "../../../tools/cluster/istio/wasm-plugin.ts";
import { packImage, VARIANTS } from "../../../tools/lib/oci/image.ts";
import { parseReference } from "../../../tools/lib/oci/reference.ts";

const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const DIGEST = `sha256:${"a".repeat(64)}`;

describe("packImage", () => {
  it.each([
    ["compat", "sha256:d5570de0da361159be35543725c2d259ad22a533cf55a9f534b69b019d35513c"],
    ["artifact", "sha256:729f2dcec42b937fca728bd063a64cffc7d5f39f306a19e4f698ded2905dbb3c"],
  ] as const)("%s gives the same digest on every machine", async (variant, digest) => {
    const images = await Promise.all([packImage(MODULE, variant), packImage(MODULE, variant)]);
    expect(images[0]?.manifest.digest).toBe(images[1]?.manifest.digest);
    expect(images[0]?.manifest.digest).toBe(digest);
  });

  it("gives another digest for another module", async () => {
    const digests = await Promise.all(
      VARIANTS.flatMap((variant) =>
        [MODULE, MODULE.subarray(0, 4)].map((module) => packImage(module, variant)),
      ),
    );
    expect(new Set(digests.map(({ manifest }) => manifest.digest)).size).toBe(4);
  });

  it("compat holds plugin.wasm alone", async () => {
    const archive = gunzipSync((await packImage(MODULE, "compat")).layer.bytes);
    expect(new TextDecoder().decode(archive.subarray(0, 11))).toBe("plugin.wasm");
    expect(archive.subarray(512, 520)).toEqual(MODULE);
    expect(archive.subarray(1024).every((byte) => byte === 0)).toBe(true);
  });
});

describe("parseReference", () => {
  it.each([
    ["oci://localhost:5000/a/b-c:v1", { registry: "localhost:5000", repository: "a/b-c", tag: "v1" }],
    [`oci://r.example/f@${DIGEST}`, { registry: "r.example", repository: "f", digest: DIGEST }],
    ["oci://r.example/f", { registry: "r.example", repository: "f" }],
  ])("%s", (text, wanted) => {
    expect(parseReference(text)).toEqual(wanted);
  });

  it.each([
    "localhost:5000/a",
    "oci://localhost",
    "oci://h/UPPER",
    "oci://user:secret@h/a",
    "oci://h?x/a",
    "oci://h/a@sha256:12",
    "oci://h/a:",
    "https://h/a",
  ])("refuses %s", (text) => {
    expect(() => parseReference(text)).toThrow("oci://host:port/name:tag");
  });
});

describe("wasmPlugin", () => {
  const options = {
    name: "modelgate-gateway",
    namespace: "search",
    selector: { istio: "search-gw" },
    pluginConfig: { accessLog: {} },
  };

  it("points at the digest and fails closed", () => {
    const image = parseReference(`oci://r.example/modelgate/gateway:v1@${DIGEST}`);
    expect(wasmPlugin({ ...options, image })).toEqual({
      apiVersion: "extensions.istio.io/v1alpha1",
      kind: "WasmPlugin",
      metadata: {
        name: "modelgate-gateway",
        namespace: "search",
        labels: { "app.kubernetes.io/managed-by": "modelgate" },
      },
      spec: {
        selector: { matchLabels: { istio: "search-gw" } },
        url: `oci://r.example/modelgate/gateway@${DIGEST}`,
        imagePullPolicy: "IfNotPresent",
        phase: "AUTHN",
        failStrategy: "FAIL_RELOAD",
        pluginConfig: { accessLog: {} },
      },
    });
  });

  it("refuses a tag", () => {
    expect(() => wasmPlugin({ ...options, image: parseReference("oci://r.example/f:v1") })).toThrow(
      "by digest",
    );
  });
});
