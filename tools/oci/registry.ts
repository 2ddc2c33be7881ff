import { digestOf } from "./digest.ts";
import type { Blob, Image } from "./image.ts";
import type { Reference } from "./reference.ts";
import { RegistryClient, type RegistryOptions } from "./registry-client.ts";

const MANIFEST_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

export interface Manifest {
  config: Descriptor;
  layers: Descriptor[];
}

export interface PushOptions extends RegistryOptions {
  /** Called with a line for each blob. */
  onProgress?: (line: string) => void;
}

/**
 * Pushes an image (OCI distribution-spec 1.1: blobs in one piece, then the manifest). What the registry has already is
 * not sent again.
 * @returns the reference by digest
 */
export async function pushImage(
  image: Pick<Image, "manifest" | "config" | "layer">,
  reference: Reference,
  options: PushOptions = {},
): Promise<string> {
  const client = new RegistryClient(reference, "pull,push", options);
  for (const blob of [image.layer, image.config]) {
    const sent = await pushBlob(client, blob);
    options.onProgress?.(`${blob.digest} ${blob.bytes.length} bytes ${sent ? "pushed" : "already there"}`);
  }
  await pushManifest(client, reference.tag ?? image.manifest.digest, image.manifest);
  return `oci://${reference.registry}/${reference.repository}@${image.manifest.digest}`;
}

/**
 * The manifest of a tag or digest. @returns undefined when the registry has none
 * @throws Error when its bytes do not have the digest
 */
export async function pullManifest(
  reference: Reference,
  options: RegistryOptions = {},
): Promise<{ manifest: Manifest; digest: string } | undefined> {
  const client = new RegistryClient(reference, "pull", options);
  const name = reference.digest ?? reference.tag ?? "latest";
  const response = await client.send(
    "GET",
    `${client.base}/manifests/${name}`,
    undefined,
    MANIFEST_TYPES.join(", "),
  );
  if (response.status === 404) return undefined;
  if (!response.ok) throw await client.failure(`get the manifest ${name}`, response);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const digest = checked(bytes, reference.digest ?? digestOf(bytes), client.base);
  return { manifest: JSON.parse(new TextDecoder().decode(bytes)) as Manifest, digest };
}

/** @throws Error when its bytes do not have the digest */
export async function pullBlob(
  reference: Reference,
  { digest }: Descriptor,
  options: RegistryOptions = {},
): Promise<Uint8Array> {
  const client = new RegistryClient(reference, "pull", options);
  const response = await client.send("GET", `${client.base}/blobs/${digest}`);
  if (!response.ok) throw await client.failure(`get the blob ${digest}`, response);
  const bytes = new Uint8Array(await response.arrayBuffer());
  checked(bytes, digest, client.base);
  return bytes;
}

function checked(bytes: Uint8Array, digest: string, where: string): string {
  const actual = digestOf(bytes);
  if (actual !== digest) throw new Error(`${where}: the registry sent ${actual} for ${digest}`);
  return digest;
}

/** @returns false when the registry had it. */
async function pushBlob(client: RegistryClient, blob: Blob): Promise<boolean> {
  const head = await client.send("HEAD", `${client.base}/blobs/${blob.digest}`);
  if (head.ok) return false;
  const started = await client.send("POST", `${client.base}/blobs/uploads/`);
  const location = started.headers.get("location");
  if (started.status !== 202 || !location) throw await client.failure("start an upload", started);
  const upload = new URL(location, client.base);
  upload.searchParams.set("digest", blob.digest);
  const content = { bytes: blob.bytes, type: "application/octet-stream" };
  const stored = await client.send("PUT", upload.href, content);
  if (stored.status !== 201) throw await client.failure(`store ${blob.digest}`, stored);
  return true;
}

async function pushManifest(
  client: RegistryClient,
  name: string,
  { bytes, mediaType, digest }: Blob,
): Promise<void> {
  const stored = await client.send("PUT", `${client.base}/manifests/${name}`, { bytes, type: mediaType });
  if (stored.status !== 201) throw await client.failure(`store the manifest ${name}`, stored);
  const actual = stored.headers.get("docker-content-digest");
  if (actual && actual !== digest)
    throw new Error(`${client.base}: the registry stored ${actual} instead of ${digest}`);
}
