import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import tar from "tar-stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { digestOf } from "../../../tools/lib/oci/digest.ts";
import { MANIFEST_TYPE } from "../../../tools/lib/oci/image.ts";
import { pullModule } from "../../../tools/lib/oci/pull-module.ts";
import { parseReference } from "../../../tools/lib/oci/reference.ts";
import { pullBlob } from "../../../tools/lib/oci/registry.ts";
import { RegistryClient } from "../../../tools/lib/oci/registry-client.ts";

const DIGEST = `sha256:${"0".repeat(64)}`;
const servers: Server[] = [];
const dockerConfig = process.env.DOCKER_CONFIG;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelgate-hostile-"));
  process.env.DOCKER_CONFIG = folder;
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  if (dockerConfig === undefined) delete process.env.DOCKER_CONFIG;
  else process.env.DOCKER_CONFIG = dockerConfig;
  await rm(folder, { recursive: true });
});

/** @returns `host:port` */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** A registry with one image whose layer is `bytes`, or with `manifest` instead. */
async function registryWith(bytes: Uint8Array, manifest?: object): Promise<string> {
  const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: digestOf(bytes) };
  const stored = Buffer.from(
    JSON.stringify(manifest ?? { config: layer, layers: [{ ...layer, size: bytes.length }] }),
  );
  const host = await serve((request, response) => {
    response.setHeader("content-type", MANIFEST_TYPE);
    response.end(request.url?.includes("/manifests/") ? stored : bytes);
  });
  return `oci://${host}/a@${digestOf(stored)}`;
}

async function archiveOf(header: Parameters<tar.Pack["entry"]>[0], content = ""): Promise<Uint8Array> {
  const pack = tar.pack();
  pack.entry(header, content);
  pack.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of pack) chunks.push(chunk as Uint8Array);
  return gzipSync(Buffer.concat(chunks));
}

it.each<[string, (url: string) => boolean]>([
  ["a manifest", (url) => url.includes("/manifests/")],
  ["a layer", (url) => url.includes("/blobs/")],
])("%s whose bytes are not those of its digest is refused", async (_name, isChanged) => {
  const layer = await archiveOf({ name: "plugin.wasm" }, "\0asm");
  const blob = { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: digestOf(layer) };
  const manifest = Buffer.from(JSON.stringify({ config: blob, layers: [{ ...blob, size: layer.length }] }));
  const host = await serve((request, response) => {
    const url = request.url ?? "";
    const bytes = Buffer.from(url.includes("/manifests/") ? manifest : layer);
    if (isChanged(url)) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    response.setHeader("content-type", MANIFEST_TYPE);
    response.end(bytes);
  });
  const reference = parseReference(`oci://${host}/a@${digestOf(manifest)}`);
  await expect(pullModule(reference)).rejects.toThrow("the registry sent sha256:");
});

it("another host that a blob comes from gets no credentials, whatever it asks for", async () => {
  const seen: (string | undefined)[] = [];
  const storage = await serve((request, response) => {
    seen.push(request.headers.authorization);
    const realm = `http://${request.headers.host}/token`;
    response.writeHead(request.url?.startsWith("/token") ? 200 : 401, {
      "www-authenticate": `Bearer realm="${realm}",service="s"`,
    });
    response.end("{}");
  });
  const registry = await serve((_, response) => {
    response.writeHead(307, { location: `http://${storage}/blob` }).end();
  });
  const auths = { [registry]: { username: "user", password: "secret" } };
  await writeFile(join(folder, "config.json"), JSON.stringify({ auths }));
  const blob = { mediaType: "", digest: digestOf(Buffer.from("x")), size: 1 };
  await expect(pullBlob(parseReference(`oci://${registry}/a`), blob)).rejects.toThrow("HTTP 401");
  expect(seen).toEqual([undefined]);
});

it.each([
  ["no realm", () => 'Bearer service="s"', /asks for a token, but not where to get it/],
  ["a realm that is not there", () => 'Bearer realm="http://127.0.0.1:1/token"', /cannot reach http:\/\/127/],
  ["no token", (host: string) => `Bearer realm="http://${host}/token"`, /token server .* gave none/],
])("%s is said", async (_, challenge, message) => {
  const host = await serve((request, response) => {
    if (request.url?.startsWith("/token")) response.end("{}");
    else response.writeHead(401, { "www-authenticate": challenge(request.headers.host ?? "") }).end();
  });
  const client = new RegistryClient(parseReference(`oci://${host}/a`), "pull", {});
  await expect(client.send("GET", client.base)).rejects.toThrow(message);
});

it("a layer that unpacks to more than a module may have is refused", async () => {
  const bomb = await registryWith(gzipSync(Buffer.alloc(300 << 20), { level: 1 }));
  await expect(pullModule(parseReference(bomb))).rejects.toThrow("unpacks to more than 256 MiB");
});

it("a layer that is longer than its manifest says is refused", async () => {
  const bytes = Buffer.alloc(1000);
  const layer = { mediaType: OCI_LAYER, digest: digestOf(bytes), size: 10 };
  const image = await registryWith(bytes, { config: layer, layers: [layer] });
  await expect(pullModule(parseReference(image))).rejects.toThrow("sent more than the 10 bytes");
});

it("a link called plugin.wasm is no module", async () => {
  const link = await archiveOf({ name: "plugin.wasm", type: "symlink", linkname: "/etc/passwd" });
  const image = await registryWith(link);
  await expect(pullModule(parseReference(image))).rejects.toThrow("holds no plugin.wasm");
});

it("an index without an image for linux/amd64, and what is no manifest, are said", async () => {
  const wasm = {
    mediaType: MANIFEST_TYPE,
    digest: DIGEST,
    size: 2,
    platform: { os: "wasi", architecture: "wasm" },
  };
  const index = await registryWith(new Uint8Array(), { manifests: [wasm] });
  await expect(pullModule(parseReference(index))).rejects.toThrow(
    "no image for linux/amd64, the only one that Istio's agent takes (it has wasi/wasm)",
  );
  const other = await registryWith(new Uint8Array(), { layers: "none" });
  await expect(pullModule(parseReference(other))).rejects.toThrow("is no image manifest");
});

const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const WASM_LAYER = "application/vnd.module.wasm.content.layer.v1+wasm";
const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/** A registry whose top document is an index of these images, each with layers of the types given. */
async function indexOf(
  ...images: { platform?: object; mediaType?: string; layers: [type: string, bytes: Uint8Array][] }[]
): Promise<string> {
  const stored = new Map<string, Uint8Array>();
  const put = (bytes: Uint8Array) => {
    stored.set(digestOf(bytes), bytes);
    return { digest: digestOf(bytes), size: bytes.length };
  };
  const manifests = images.map(({ platform, mediaType, layers }) => {
    const described = layers.map(([type, bytes]) => ({ mediaType: type, ...put(bytes) }));
    const manifest = { schemaVersion: 2, ...(mediaType && { mediaType }), config: {}, layers: described };
    return { mediaType: MANIFEST_TYPE, ...put(Buffer.from(JSON.stringify(manifest))), platform };
  });
  const { digest } = put(Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })));
  const host = await serve((request, response) => {
    response.setHeader("content-type", MANIFEST_TYPE);
    response.end(stored.get(request.url?.split("/").at(-1) ?? ""));
  });
  return `oci://${host}/a@${digest}`;
}

it("of an index, as buildx makes it, the image for linux/amd64 is taken", async () => {
  const archive = await archiveOf({ name: "plugin.wasm" }, "the module");
  const image = await indexOf(
    {
      platform: { os: "linux", architecture: "arm64" },
      layers: [[OCI_LAYER, await archiveOf({ name: "x" }, "")]],
    },
    { platform: { os: "linux", architecture: "amd64" }, layers: [[OCI_LAYER, archive]] },
    {
      platform: { os: "unknown", architecture: "unknown" },
      layers: [["application/vnd.in-toto+json", MODULE]],
    },
  );
  expect(Buffer.from(await pullModule(parseReference(image))).toString()).toBe("the module");
});

it.each([
  ["an artifact of two layers", undefined, ["application/x", WASM_LAYER], undefined],
  [
    "an artifact of one layer",
    undefined,
    [WASM_LAYER],
    /the artifact has 1 layer, but Istio takes it with two only/,
  ],
  [
    "an artifact of three",
    undefined,
    ["a/b", WASM_LAYER, "c/d"],
    /the artifact has 3 layers, but Istio takes it/,
  ],
  [
    "a layer of another type",
    undefined,
    ["a/b"],
    /its last layer is of type "a\/b": Istio takes an image whose last/,
  ],
  [
    "Docker's manifest with OCI's layer",
    DOCKER_MANIFEST,
    [OCI_LAYER],
    /its last layer is of type ".*oci.image.layer/,
  ],
  [
    "a layer that is a module",
    undefined,
    [OCI_LAYER],
    /its layer is a WebAssembly module, not the gzipped tar/,
  ],
  [
    "Docker's with a module",
    DOCKER_MANIFEST,
    [DOCKER_LAYER],
    /its layer is a WebAssembly module, not the gzipped tar/,
  ],
  ["no layers", undefined, [], /the image has no layers/],
] as const)("takes and refuses what Istio's agent does: %s", async (_, mediaType, types, message) => {
  const layers = types.map((type): [string, Uint8Array] => [type, MODULE]);
  const image = await indexOf({ ...(mediaType && { mediaType }), layers });
  const pulled = pullModule(parseReference(image));
  if (message) await expect(pulled).rejects.toThrow(message);
  else expect(Uint8Array.from(await pulled)).toEqual(MODULE);
});

it("says what a layer is that unpacks to no tar", async () => {
  const image = await indexOf({ layers: [[OCI_LAYER, gzipSync(MODULE)]] });
  await expect(pullModule(parseReference(image))).rejects.toThrow(
    "its layer unpacks to a WebAssembly module, not to a tar that holds plugin.wasm",
  );
});
