import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../tools/lib/oci/digest.ts";
import { packImage } from "../../tools/lib/oci/image.ts";
import { generateKeys, privateKey, publicKey } from "../../tools/lib/oci/keys.ts";
import { parseReference, type Reference } from "../../tools/lib/oci/reference.ts";
import { attach, referrersOf } from "../../tools/lib/oci/referrers.ts";
import { pushImage } from "../../tools/lib/oci/registry.ts";
import { signImage, verifyImage } from "../../tools/lib/oci/signature.ts";
import {
  hasRegistry,
  missingPrograms,
  REGISTRIES,
  startRegistryOf,
  type TestRegistry,
} from "../support/registry.ts";

const TOOLS = fileURLToPath(new URL("../../.cache/oci", import.meta.url));
const COSIGN_3 = join(TOOLS, "3/cosign");
process.env.PATH = `${process.env.PATH}${delimiter}${TOOLS}`;
const missing = missingPrograms("cosign", "oras");
if (missing.length > 0)
  console.warn(`tests against ${missing.join(" and ")} are skipped: npm run test:oci builds them`);
const SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json";
const SBOM = "application/vnd.cyclonedx+json";

for (const kind of REGISTRIES)
  describe.skipIf(!hasRegistry(kind))(`signatures and documents in ${kind}`, () => {
    let registry: TestRegistry;
    let folder: string;
    let keys: string;
    beforeAll(async () => {
      registry = await startRegistryOf(kind);
      folder = await mkdtemp(join(tmpdir(), "modelgate-referrers-"));
      process.env.DOCKER_CONFIG = folder;
      process.env.COSIGN_PASSWORD = "";
      process.env.COSIGN_EXPERIMENTAL = "1";
      keys = join(folder, "own");
      await generateKeys(keys);
    });
    afterAll(async () => {
      registry?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    async function image(byte: number): Promise<Reference> {
      const module = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, byte);
      const reference = parseReference(`oci://${registry.host}/modelgate/filter:v${byte}`);
      return parseReference(await pushImage(await packImage(module, "compat"), reference));
    }
    const run = async (program: string, ...args: string[]): Promise<string> => {
      const { stdout, stderr } = await promisify(execFile)(program, args, { cwd: folder });
      return stdout + stderr;
    };
    const cosign = (...args: string[]) => run("cosign", ...args);
    const name = ({ registry, repository, digest }: Reference) => `${registry}/${repository}@${digest}`;
    const document = () => {
      const bytes = new TextEncoder().encode('{"bomFormat":"CycloneDX"}');
      return { mediaType: SBOM, digest: digestOf(bytes), bytes };
    };

    it("are found by the image they are about", async () => {
      const signed = await image(1);
      await signImage(signed, await privateKey(`${keys}.key`));
      const where = await attach(signed, document(), "sbom.cdx.json");
      expect(await referrersOf(signed, SBOM)).toMatchObject([{ digest: parseReference(where).digest }]);
      expect(await referrersOf(signed, SIGNATURE)).toHaveLength(1);
      expect(await referrersOf(await image(2), SBOM)).toEqual([]);
    });

    it("are there once however often they are made, and keep those of others", async () => {
      const signed = await image(3);
      await generateKeys(join(folder, "second"));
      for (const key of [keys, join(folder, "second"), keys])
        await signImage(signed, await privateKey(`${key}.key`));
      for (const key of [keys, join(folder, "second")])
        await verifyImage(signed, await publicKey(`${key}.pub`));
      for (let i = 0; i < 2; i++) await attach(signed, document(), "sbom.cdx.json");
      expect(await referrersOf(signed, SBOM)).toHaveLength(1);
    });

    it.skipIf(missing.includes("cosign"))("cosign takes ours", async () => {
      const signed = await image(4);
      await signImage(signed, await privateKey(`${keys}.key`));
      const options = ["--key", `${keys}.pub`, "--insecure-ignore-tlog", "--allow-http-registry"];
      expect(await cosign("verify", ...options, name(signed))).toContain(signed.digest);
      expect(await cosign("verify", "--experimental-oci11", ...options, name(signed))).toContain(
        signed.digest,
      );
      await expect(cosign("verify", ...options, name(await image(5)))).rejects.toThrow();
    });

    it.skipIf(missing.includes("cosign")).each([["legacy"], ["oci-1-1"]])(
      "ours takes cosign's, %s",
      async (mode) => {
        if (!registry) return;
        const signed = await image(mode === "legacy" ? 6 : 7);
        const pair = join(folder, mode);
        await cosign("generate-key-pair", "--output-key-prefix", pair);
        await cosign(
          "sign",
          "--key",
          `${pair}.key`,
          "--tlog-upload=false",
          "--allow-http-registry",
          "--yes",
          `--registry-referrers-mode=${mode}`,
          name(signed),
        );
        await verifyImage(signed, await publicKey(`${pair}.pub`));
        await expect(verifyImage(signed, await publicKey(`${keys}.pub`))).rejects.toThrow(
          "no signature was made by this key",
        );
      },
    );

    it.skipIf(!existsSync(COSIGN_3))("ours takes the bundles of cosign 3", async () => {
      const signed = await image(9);
      const pair = join(folder, "third");
      await run(COSIGN_3, "generate-key-pair", "--output-key-prefix", pair);
      // Without a configuration of its own it would ask for one, and for a transparency log.
      const config = join(folder, "signing.json");
      await writeFile(
        config,
        JSON.stringify({ mediaType: "application/vnd.dev.sigstore.signingconfig.v0.2+json" }),
      );
      const options = ["--key", `${pair}.key`, "--signing-config", config, "--allow-http-registry", "--yes"];
      await run(COSIGN_3, "sign", ...options, name(signed));
      await verifyImage(signed, await publicKey(`${pair}.pub`));
      await expect(verifyImage(signed, await publicKey(`${keys}.pub`))).rejects.toThrow(
        "no signature was made by this key",
      );
    });

    it.skipIf(missing.includes("oras"))("oras finds and pulls a document", async () => {
      const described = await image(8);
      await signImage(described, await privateKey(`${keys}.key`));
      const where = parseReference(await attach(described, document(), "sbom.cdx.json"));
      const found = await run("oras", "discover", "--plain-http", "--format", "tree", name(described));
      expect(found).toContain(SBOM);
      expect(found).toContain(SIGNATURE);
      await run("oras", "pull", "--plain-http", "--output", folder, name(where));
      expect(await readFile(join(folder, "sbom.cdx.json"), "utf8")).toContain("CycloneDX");
    });
  });
