import { digestOf } from "./digest.ts";
import { type Blob, type Descriptor, type Image, MANIFEST_TYPE } from "./image.ts";
import { fromMirrors } from "./mirrors.ts";
import { formatReference, type Reference } from "./reference.ts";
import { RegistryClient, type RegistryOptions } from "./registry-client.ts";
import { pushBlob } from "./upload.ts";

const MANIFEST_TYPES = [MANIFEST_TYPE, "application/vnd.docker.distribution.manifest.v2+json"].join(", ");

interface Manifest {
  config: Descriptor;
  layers: Descriptor[];
}

interface PushOptions extends RegistryOptions {
  /** Called with a line for each blob. */
  onProgress?: (line: string) => void;
}

/**
 * Pushes an image (OCI distribution-spec 1.1: blobs, then the manifest). What the registry has already is not
 * sent again.
 * @returns the reference by digest
 */
export async function pushImage(
  image: Pick<Image, "manifest" | "config" | "layer">,
  reference: Reference,
  options: PushOptions = {},
): Promise<string> {
  await push({ manifest: image.manifest, blobs: [image.layer, image.config] }, reference, options);
  return `oci://${reference.registry}/${reference.repository}@${image.manifest.digest}`;
}

/** Pushes a manifest after its blobs, under the tag of the reference if it has one. */
export async function push(
  { manifest, blobs }: { manifest: Blob; blobs: Blob[] },
  reference: Reference,
  options: PushOptions = {},
): Promise<void> {
  const client = new RegistryClient(reference, "pull,push", options);
  for (const blob of blobs) {
    const how = await pushBlob(client, blob);
    options.onProgress?.(`${blob.digest} ${blob.bytes.length} bytes ${how}`);
  }
  await pushManifest(client, reference.tag ?? manifest.digest, manifest);
}

/** @param name a tag or its digest */
export async function pushManifest(
  client: RegistryClient,
  name: string,
  { bytes, mediaType, digest }: Blob,
): Promise<void> {
  const request = { body: bytes, type: mediaType };
  const stored = await client.send("PUT", `${client.base}/manifests/${name}`, request);
  if (stored.status !== 201) throw await client.failure(`store the manifest ${name}`, stored);
  const actual = stored.headers.get("docker-content-digest");
  if (actual && actual !== digest)
    throw new Error(`${client.base}: the registry stored ${actual} instead of ${digest}`);
}

/**
 * The manifest of a tag or digest. @returns undefined when the registry has none
 * @throws Error when its bytes do not have the digest
 */
export async function pullManifest(
  reference: Reference,
  options: RegistryOptions = {},
): Promise<{ manifest: Manifest; digest: string } | undefined> {
  const pulled = await pullBytes(reference, options);
  if (!pulled) return undefined;
  return { manifest: parseManifest(pulled.bytes, formatReference(reference)), digest: pulled.digest };
}

function parseManifest(bytes: Uint8Array, name: string): Manifest {
  let parsed: Partial<Manifest> & { manifests?: unknown } = {};
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {}
  if (parsed.manifests !== undefined)
    throw new Error(`${name}: is an index of images: name one of them by its digest`);
  if (!Array.isArray(parsed.layers)) throw new Error(`${name}: is no image manifest`);
  return parsed as Manifest;
}

/**
 * A manifest as it is stored. @param accept media types to ask for
 * @returns undefined when the registry has none. @throws Error when its bytes do not have the digest
 */
export function pullBytes(
  reference: Reference,
  options: RegistryOptions = {},
  accept = MANIFEST_TYPES,
): Promise<Blob | undefined> {
  return fromMirrors(reference, options.mirrors, async (from) => {
    const client = new RegistryClient(from, "pull", options);
    const name = from.digest ?? from.tag ?? "latest";
    const url = `${client.base}/manifests/${name}`;
    const response = await client.send("GET", url, { accept });
    if (response.status === 404) return undefined;
    if (!response.ok) throw await client.failure(`get the manifest ${name}`, response);
    const bytes = await client.body(url, response, { accept });
    const digest = checked(bytes, from.digest ?? digestOf(bytes), client.base);
    return { bytes, digest, mediaType: response.headers.get("content-type") ?? MANIFEST_TYPE };
  });
}

/** @throws Error when it is not there, or its bytes do not have the size or the digest */
export async function pullBlob(
  reference: Reference,
  { digest, size }: Descriptor,
  options: RegistryOptions = {},
): Promise<Uint8Array> {
  const pulled = await fromMirrors(reference, options.mirrors, async (from) => {
    const client = new RegistryClient(from, "pull", options);
    const url = `${client.base}/blobs/${digest}`;
    const response = await client.send("GET", url);
    if (!response.ok) throw await client.failure(`get the blob ${digest}`, response);
    const bytes = await client.body(url, response, { limit: size });
    checked(bytes, digest, client.base);
    return bytes;
  });
  return pulled as Uint8Array;
}

function checked(bytes: Uint8Array, digest: string, where: string): string {
  const actual = digestOf(bytes);
  if (actual !== digest) throw new Error(`${where}: the registry sent ${actual} for ${digest}`);
  return digest;
}
