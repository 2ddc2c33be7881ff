import { digestOf } from "./digest.ts";
import {
  type Blob,
  type Descriptor,
  DOCKER_MANIFEST_TYPE,
  type Image,
  INDEX_TYPE,
  MANIFEST_TYPE,
} from "./image.ts";
import { fromMirrors } from "./mirrors.ts";
import { formatReference, type Reference } from "./reference.ts";
import { RegistryClient, type RegistryOptions } from "./registry-client.ts";
import { pushBlob } from "./upload.ts";

const MANIFEST_TYPES = [MANIFEST_TYPE, DOCKER_MANIFEST_TYPE].join(", ");
const DOCKER_INDEX_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json";
const MANIFEST_AND_INDEX_TYPES = [MANIFEST_TYPES, INDEX_TYPE, DOCKER_INDEX_TYPE].join(", ");

export interface Manifest {
  /** As Docker writes it; OCI images may leave it out. */
  mediaType?: string;
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
 * @throws Error when its bytes do not have the digest, or it is an index
 */
export async function pullManifest(
  reference: Reference,
  options: RegistryOptions = {},
): Promise<{ manifest: Manifest; digest: string } | undefined> {
  const pulled = await pullBytes(reference, options);
  if (!pulled) return undefined;
  const manifest = parsed(pulled.bytes);
  if (!isManifest(manifest)) throw new Error(`${formatReference(reference)}: is no image manifest`);
  return { manifest, digest: pulled.digest };
}

/**
 * As `pullManifest`; of an index, such as buildx makes, the image for linux/amd64, which is also the one that
 * names no platform: Istio's agent takes no other (go-containerregistry, pkg/v1/remote/index.go).
 */
export async function pullImageManifest(
  reference: Reference,
  options: RegistryOptions = {},
): Promise<{ manifest: Manifest; digest: string } | undefined> {
  const pulled = await pullBytes(reference, options, MANIFEST_AND_INDEX_TYPES);
  if (!pulled) return undefined;
  const top = parsed(pulled.bytes);
  if (isManifest(top)) return { manifest: top, digest: pulled.digest };
  const name = formatReference(reference);
  if (!Array.isArray(top.manifests)) throw new Error(`${name}: is no image manifest`);
  const entries = top.manifests as Descriptor[];
  const child = entries.find(({ platform }) => platformOf(platform) === "linux/amd64");
  if (!child) {
    const others = entries.map(({ platform }) => platformOf(platform)).join(", ") || "none";
    throw new Error(
      `${name}: is an index with no image for linux/amd64, the only one that Istio's agent takes (it has ${others})`,
    );
  }
  const { registry, repository } = reference;
  return pullManifest({ registry, repository, digest: child.digest }, options);
}

function platformOf(platform: Descriptor["platform"]): string {
  return platform ? `${platform.os}/${platform.architecture}` : "linux/amd64";
}

function parsed(bytes: Uint8Array): { layers?: unknown; manifests?: unknown } {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}

function isManifest(document: { layers?: unknown }): document is Manifest {
  return Array.isArray(document.layers);
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
