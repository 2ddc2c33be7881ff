import { type KeyObject, sign, verify } from "node:crypto";
import { digestOf } from "./digest.ts";
import { type Blob, descriptor } from "./image.ts";
import type { Reference } from "./reference.ts";
import { pullBlob, pullManifest, pushImage } from "./registry.ts";
import type { RegistryOptions } from "./registry-client.ts";

/**
 * Signatures as cosign stores them (sigstore/cosign, specs/SIGNATURE_SPEC.md): an image under the tag `sha256-<hex>.sig`, one layer
 * a signature, the layer being the signed payload and its annotation the signature. Keys are ECDSA P-256.
 */
const PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE = "dev.cosignproject.cosign/signature";
const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";

interface Payload {
  critical?: {
    identity?: { "docker-reference"?: string };
    image?: { "docker-manifest-digest"?: string };
    type?: string;
  };
}

/** Signs an image by digest and stores the signature beside it. @returns where */
export async function signImage(
  reference: Reference,
  key: KeyObject,
  options: RegistryOptions = {},
): Promise<string> {
  const digest = requireDigest(reference);
  const image = await pullManifest(reference, options);
  if (!image) throw new Error(`${reference.repository}@${digest}: the registry has no such image`);
  const payload: Payload = {
    critical: {
      identity: { "docker-reference": `${reference.registry}/${reference.repository}` },
      image: { "docker-manifest-digest": digest },
      type: "cosign container image signature",
    },
  };
  const layer = blob(PAYLOAD_TYPE, { ...payload, optional: null });
  const signature = sign("sha256", layer.bytes, key).toString("base64");
  const config = blob(CONFIG_TYPE, {
    architecture: "",
    os: "",
    config: {},
    rootfs: { type: "layers", diff_ids: [layer.digest] },
  });
  const manifest = blob(MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptor(config),
    layers: [{ ...descriptor(layer), annotations: { [SIGNATURE]: signature } }],
  });
  const where = { registry: reference.registry, repository: reference.repository, tag: signatureTag(digest) };
  await pushImage({ manifest, config, layer }, where, options);
  return `oci://${where.registry}/${where.repository}:${where.tag}`;
}

/** @throws Error unless a signature of the image was made by the key and is about this image */
export async function verifyImage(
  reference: Reference,
  key: KeyObject,
  options: RegistryOptions = {},
): Promise<void> {
  const digest = requireDigest(reference);
  const { registry, repository } = reference;
  const name = `oci://${registry}/${repository}@${digest}`;
  const where = { registry, repository, tag: signatureTag(digest) };
  const stored = await pullManifest(where, options);
  if (!stored)
    throw new Error(`${name}: is not signed (there is no tag ${where.tag}): modelgate sign it first`);
  for (const layer of stored.manifest.layers) {
    const signature = layer.annotations?.[SIGNATURE];
    if (layer.mediaType !== PAYLOAD_TYPE || !signature) continue;
    const payload = await pullBlob(where, layer, options);
    if (!verify("sha256", payload, key, Buffer.from(signature, "base64"))) continue;
    const { critical } = JSON.parse(new TextDecoder().decode(payload)) as Payload;
    if (critical?.image?.["docker-manifest-digest"] === digest) return;
  }
  throw new Error(`${name}: no signature was made by this key for this image`);
}

function signatureTag(digest: string): string {
  return `${digest.replace(":", "-")}.sig`;
}

function requireDigest({ digest }: Reference): string {
  if (!digest) throw new Error("name the image by digest (oci://host/name@sha256:...): a tag can change");
  return digest;
}

function blob(mediaType: string, value: object): Blob {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return { mediaType, digest: digestOf(bytes), bytes };
}
