import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../tools/oci/digest.ts";
import type { Blob } from "../../tools/oci/image.ts";
import { parseReference } from "../../tools/oci/reference.ts";
import { pullBlob } from "../../tools/oci/registry.ts";
import { RegistryClient } from "../../tools/oci/registry-client.ts";
import { pushBlob } from "../../tools/oci/upload.ts";
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
      const proxy = await startBreakingProxy(registry.host, breaks);
      const at = (host: string) => parseReference(`oci://${host}/modelgate/large:v1`);
      try {
        const how = await pushBlob(new RegistryClient(at(proxy.host), "pull,push", {}), blob);
        // docker-registry drops an upload whose connection broke, and gets it anew.
        if (kind === "docker-registry" || size < MIB) expect(how).toBe("pushed");
        else {
          expect(how).toMatch(/^pushed, resumed at \d+$/);
          expect(proxy.received()).toBeLessThan(size + MIB);
        }
      } finally {
        proxy.stop();
      }
      const { digest, mediaType } = blob;
      expect(await pullBlob(at(registry.host), { digest, mediaType, size })).toHaveLength(size);
    });
  });
