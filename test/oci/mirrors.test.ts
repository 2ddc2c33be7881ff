import { mkdtemp } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packImage } from "../../tools/lib/oci/image.ts";
import { generateKeys, privateKey, publicKey } from "../../tools/lib/oci/keys.ts";
import { parseMirrors } from "../../tools/lib/oci/mirrors.ts";
import { pullModule } from "../../tools/lib/oci/pull-module.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { pushImage } from "../../tools/lib/oci/registry.ts";
import { signImage, verifyImage } from "../../tools/lib/oci/signature.ts";
import { hasRegistry, startRegistryOf, type TestRegistry } from "../support/registry.ts";

const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

describe.skipIf(!hasRegistry("docker-registry"))("mirrors", () => {
  let origin: TestRegistry;
  let mirror: TestRegistry;
  /** Answers any request for a blob or manifest with other bytes. */
  let liar: Server;
  beforeAll(async () => {
    origin = await startRegistryOf("docker-registry");
    mirror = await startRegistryOf("docker-registry");
    liar = createServer((_, response) => response.end("{}"));
    await new Promise<void>((resolve) => liar.listen(0, "127.0.0.1", resolve));
    process.env.DOCKER_CONFIG = await mkdtemp(join(tmpdir(), "modelgate-mirrors-"));
  });
  afterAll(() => {
    origin?.stop();
    mirror?.stop();
    liar?.close();
  });

  const push = async (host: string, repository: string) =>
    parseReference(
      await pushImage(await packImage(MODULE, "compat"), parseReference(`oci://${host}/${repository}:v1`)),
    );
  const mirrors = (...hosts: string[]) =>
    parseMirrors(hosts.map((host) => `${origin.host}=${host}`).join(","));

  it("serve what the registry has lost, under a prefix", async () => {
    const { digest } = await push(mirror.host, "cache/modelgate/filter");
    const image = parseReference(`oci://${origin.host}/modelgate/filter@${digest}`);
    await expect(pullModule(image)).rejects.toThrow("no such image");
    expect(await pullModule(image, { mirrors: mirrors(`${mirror.host}/cache`) })).toHaveLength(8);
  });

  it("are passed over when they lack it, are down, or send something else", async () => {
    const image = await push(origin.host, "modelgate/only-here");
    const { port } = liar.address() as { port: number };
    const some = mirrors(mirror.host, `127.0.0.1:${port}`);
    expect(await pullModule(image, { mirrors: some })).toHaveLength(8);
  });

  it("serve signatures, which the key alone decides on", async () => {
    const keys = join(process.env.DOCKER_CONFIG as string, "keys");
    await generateKeys(keys);
    const copy = await push(mirror.host, "modelgate/signed");
    await signImage(copy, await privateKey(`${keys}.key`));
    const image = { ...copy, registry: origin.host };
    await verifyImage(image, await publicKey(`${keys}.pub`), { mirrors: mirrors(mirror.host) });
  });

  it("say what each of them answered", async () => {
    const image = parseReference(`oci://127.0.0.1:1/a@sha256:${"a".repeat(64)}`);
    const { port } = liar.address() as { port: number };
    const pull = pullModule(image, { mirrors: parseMirrors(`127.0.0.1:1=127.0.0.1:${port}`) });
    await expect(pull).rejects.toThrow(
      /cannot reach the registry 127.0.0.1:1.*\n {2}mirror 127.0.0.1:\d+: .*sent sha256:/,
    );
  });

  it.each(["a", "a=", "a=b c", "a=b/", "a/b=c"])("%s is none", (text) => {
    expect(() => parseMirrors(text)).toThrow("it looks like registry.example=mirror.example:5000/prefix");
  });
});
