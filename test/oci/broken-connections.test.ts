import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../tools/lib/oci/digest.ts";
import type { Blob } from "../../tools/lib/oci/image.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { pullBlob } from "../../tools/lib/oci/registry.ts";
import { RegistryClient } from "../../tools/lib/oci/registry-client.ts";
import { pushBlob } from "../../tools/lib/oci/upload.ts";
import { startBreakingProxy } from "../support/breaking-proxy.ts";
import { hasRegistry, REGISTRIES, startRegistryOf, type TestRegistry } from "../support/registry.ts";

const MIB = 1 << 20;

for (const kind of REGISTRIES)
  describe.skipIf(!hasRegistry(kind))(`broken connections to ${kind}`, () => {
    let registry: TestRegistry;
    beforeAll(async () => {
      registry = await startRegistryOf(kind);
    });
    afterAll(() => registry?.stop());

    const random = (size: number): Blob => {
      const bytes = new Uint8Array(randomBytes(size));
      return { mediaType: "application/octet-stream", digest: digestOf(bytes), bytes };
    };

    it.each<[name: string, size: number, breaks: number[]]>([
      ["a small blob", 300_000, [100_000]],
      ["in the first chunk", 10 * MIB, [2 * MIB]],
      ["in the last chunk", 10 * MIB, [9 * MIB]],
      ["again and again", 10 * MIB, [2 * MIB, 7 * MIB, 12 * MIB]],
    ])("%s", async (_name, size, breaks) => {
      const blob = random(size);
      const proxy = await startBreakingProxy(registry.host, "upload", breaks);
      const at = (host: string) => parseReference(`oci://${host}/modelgate/large:v1`);
      try {
        const how = await pushBlob(new RegistryClient(at(proxy.host), "pull,push", {}), blob);
        // docker-registry drops an upload whose connection broke, and gets it anew.
        if (kind === "docker-registry" || size < MIB) expect(how).toBe("pushed");
        else {
          expect(how).toMatch(/^pushed, resumed at \d+$/);
          expect(proxy.carried()).toBeLessThan(size + MIB);
        }
      } finally {
        proxy.stop();
      }
      const { digest, mediaType } = blob;
      expect(await pullBlob(at(registry.host), { digest, mediaType, size })).toHaveLength(size);
    });

    it("a download goes on where it broke off", async () => {
      const blob = random(10 * MIB);
      const at = (host: string) => parseReference(`oci://${host}/modelgate/large:v1`);
      await pushBlob(new RegistryClient(at(registry.host), "pull,push", {}), blob);
      const proxy = await startBreakingProxy(registry.host, "download", [3 * MIB, 7 * MIB]);
      try {
        const { digest, mediaType } = blob;
        const pulled = await pullBlob(at(proxy.host), { digest, mediaType, size: 10 * MIB });
        expect(pulled).toHaveLength(10 * MIB);
        if (kind === "docker-registry") expect(proxy.carried()).toBeLessThan(13 * MIB);
        console.log(kind, proxy.carried());
      } finally {
        proxy.stop();
      }
    });
  });
