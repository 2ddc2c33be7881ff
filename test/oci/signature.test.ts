import { sign } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { json, packImage } from "../../tools/lib/oci/image.ts";
import { generateKeys, privateKey, publicKey } from "../../tools/lib/oci/keys.ts";
import { parseReference, type Reference } from "../../tools/lib/oci/reference.ts";
import { attach } from "../../tools/lib/oci/referrers.ts";
import { pullManifest, pushImage } from "../../tools/lib/oci/registry.ts";
import { signImage, verifyImage } from "../../tools/lib/oci/signature.ts";
import { missingPrograms, startTestRegistry, type TestRegistry } from "../support/registry.ts";

const missing = missingPrograms("docker-registry");

describe.skipIf(missing.length > 0)("signatures", () => {
  let folder: string;
  let registry: TestRegistry;
  let keys: string;
  const push = async (byte: number): Promise<Reference> => {
    const module = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, byte);
    const reference = parseReference(`oci://${registry.host}/modelgate/gateway:v${byte}`);
    return parseReference(await pushImage(await packImage(module, "compat"), reference));
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "modelgate-signature-"));
    process.env.DOCKER_CONFIG = folder;
    registry = await startTestRegistry(folder);
    keys = join(folder, "cosign");
    await generateKeys(keys);
  });
  afterAll(async () => {
    registry?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("a signed image passes, and is stored as cosign has it", async () => {
    const image = await push(1);
    const where = await signImage(image, await privateKey(`${keys}.key`));
    expect(where).toMatch(/:sha256-[0-9a-f]{64}\.sig$/);
    await verifyImage(image, await publicKey(`${keys}.pub`));
    const stored = await pullManifest(parseReference(where));
    expect(stored?.manifest.layers[0]?.mediaType).toBe("application/vnd.dev.cosign.simplesigning.v1+json");
  });

  it("an unsigned image does not pass", async () => {
    await expect(verifyImage(await push(2), await publicKey(`${keys}.pub`))).rejects.toThrow("is not signed");
  });

  it("another key does not pass", async () => {
    const image = await push(3);
    await generateKeys(join(folder, "other"));
    await signImage(image, await privateKey(join(folder, "other.key")));
    await expect(verifyImage(image, await publicKey(`${keys}.pub`))).rejects.toThrow(
      "no signature was made by this key",
    );
  });

  it("the signature of another image does not pass", async () => {
    const [signed, image] = [await push(4), await push(5)];
    const where = parseReference(await signImage(signed, await privateKey(`${keys}.key`)));
    const stolen = await fetch(`http://${registry.host}/v2/modelgate/gateway/manifests/${where.tag}`, {
      headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
    });
    const tag = `${image.digest?.replace(":", "-")}.sig`;
    const put = await fetch(`http://${registry.host}/v2/modelgate/gateway/manifests/${tag}`, {
      method: "PUT",
      headers: { "content-type": "application/vnd.oci.image.manifest.v1+json" },
      body: await stolen.text(),
    });
    expect(put.status).toBe(201);
    await expect(verifyImage(image, await publicKey(`${keys}.pub`))).rejects.toThrow("for this image");
  });

  it("an image by tag can't be signed", async () => {
    const tag = parseReference(`oci://${registry.host}/modelgate/gateway:v1`);
    await expect(signImage(tag, await privateKey(`${keys}.key`))).rejects.toThrow("by digest");
  });

  describe("bundles, as cosign 3 stores them", () => {
    const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let number = 0;
    const about = ({ digest }: Reference) => ({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ digest: { sha256: digest?.replace("sha256:", "") } }],
      predicateType: "https://sigstore.dev/cosign/sign/v1",
      predicate: {},
    });

    async function attachBundle(image: Reference, statement: object, signer = keys): Promise<void> {
      const payloadType = "application/vnd.in-toto+json";
      const body = Buffer.from(JSON.stringify(statement));
      const signed = Buffer.concat([Buffer.from(`DSSEv1 28 ${payloadType} ${body.length} `), body]);
      const sig = sign("sha256", signed, await privateKey(`${signer}.key`)).toString("base64");
      const dsseEnvelope = { payload: body.toString("base64"), payloadType, signatures: [{ sig }] };
      const verificationMaterial = { publicKey: { hint: "" }, tlogEntries: [] };
      const bundle = { mediaType: BUNDLE, verificationMaterial, dsseEnvelope };
      await attach(image, json(BUNDLE, bundle), "bundle.json");
    }

    it("pass", async () => {
      const image = await push(6);
      await attachBundle(image, about(image));
      await verifyImage(image, await publicKey(`${keys}.pub`));
    });

    it.each([
      [
        "of another key",
        async (image: Reference) => {
          await generateKeys(join(folder, "third"));
          await attachBundle(image, about(image), join(folder, "third"));
        },
      ],
      ["about another image", async (image: Reference) => attachBundle(image, about(await push(1)))],
      [
        "that say something else of it",
        (image: Reference) =>
          attachBundle(image, { ...about(image), predicateType: "https://slsa.dev/provenance/v1" }),
      ],
    ])("%s do not pass", async (_, prepare) => {
      const image = await push(7 + number++);
      await prepare(image);
      await expect(verifyImage(image, await publicKey(`${keys}.pub`))).rejects.toThrow(
        "no signature was made by this key for this image",
      );
    });
  });

  it("keys: private to their owner, never overwritten, faults without their text", async () => {
    expect((await stat(`${keys}.key`)).mode & 0o777).toBe(0o600);
    await expect(generateKeys(keys)).rejects.toThrow(`${keys}.key: is there already`);
    await expect(publicKey(`${keys}.key`)).rejects.toThrow("is a private key");
    await writeFile(join(folder, "bad"), "secret words");
    await expect(privateKey(join(folder, "bad"))).rejects.toThrow(/^(?!.*secret).*is no private key in PEM/);
    process.env.MODELGATE_KEY_PASSWORD = "open sesame";
    await generateKeys(join(folder, "locked"));
    expect(await readFile(join(folder, "locked.key"), "utf8")).toContain("ENCRYPTED");
    expect((await privateKey(join(folder, "locked.key"))).type).toBe("private");
    delete process.env.MODELGATE_KEY_PASSWORD;
    await expect(privateKey(join(folder, "locked.key"))).rejects.toThrow("$MODELGATE_KEY_PASSWORD");
    await rm(join(folder, "locked.key"));
    await expect(generateKeys(join(folder, "locked"))).rejects.toThrow("locked.pub: is there already");
    await expect(publicKey(join(folder, "none"))).rejects.toThrow("none: cannot be read: check --key");
  });
});
