import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { type Blob, type Descriptor, descriptor, json, MANIFEST_TYPE } from "./image.ts";
import { type Reference, requireDigest } from "./reference.ts";
import { announce, referrersOf, subjectOf } from "./referrers.ts";
import { pullBlob, pullManifest, push } from "./registry.ts";
import type { RegistryOptions } from "./registry-client.ts";
import { isSignedByBundle } from "./sigstore-bundle.ts";

/**
 * Signatures as cosign stores them (sigstore/cosign, specs/SIGNATURE_SPEC.md): an image under the tag
 * `sha256-<hex>.sig`, one layer a signature, the layer being the signed payload and its annotation the
 * signature. It names the signed image as its
 * `subject` as well, so that the referrers API finds it. Keys are ECDSA P-256.
 */
const PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";
const ARTIFACT_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json";
const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
const SIGNATURE = "dev.cosignproject.cosign/signature";

interface Payload {
  critical?: {
    identity?: { "docker-reference"?: string };
    image?: { "docker-manifest-digest"?: string };
    type?: string;
  };
}

/**
 * Signs an image by digest and stores the signature beside those that are there, once for each key.
 * @returns where
 */
export async function signImage(
  image: Reference,
  key: KeyObject,
  options: RegistryOptions = {},
): Promise<string> {
  const subject = await subjectOf(image, options);
  const where = signatureTag(image);
  const there = (await pullManifest(where, { ...options, mirrors: new Map() }))?.manifest.layers ?? [];
  const name = `oci://${where.registry}/${where.repository}:${where.tag}`;
  if (await isSignedBy(image, createPublicKey(key), where, there, options)) return name;

  const payload = payloadOf(image);
  const signature = sign("sha256", payload.bytes, key).toString("base64");
  const layers = [...there, { ...descriptor(payload), annotations: { [SIGNATURE]: signature } }];
  const config = json(CONFIG_TYPE, {
    architecture: "",
    os: "",
    config: {},
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  });
  const manifest = json(MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    artifactType: ARTIFACT_TYPE,
    config: descriptor(config),
    layers,
    subject,
  });
  await push({ manifest, blobs: [payload, config] }, where, options);
  await announce(image, manifest, ARTIFACT_TYPE, options);
  return name;
}

/**
 * Takes signatures of cosign 2, by tag or as referrers, and the bundles of cosign 3.
 * @throws Error unless a signature of the image was made by the key and is about this image
 */
export async function verifyImage(
  image: Reference,
  key: KeyObject,
  options: RegistryOptions = {},
): Promise<void> {
  const { registry, repository } = image;
  const name = `oci://${registry}/${repository}@${requireDigest(image)}`;
  const tag = signatureTag(image);
  const tagged = await pullManifest(tag, options);
  if (tagged && (await isSignedBy(image, key, tag, tagged.manifest.layers, options))) return;
  const referrers = await referrersOf(image, ARTIFACT_TYPE, options);
  for (const { digest } of referrers) {
    const where = { registry, repository, digest };
    const layers = (await pullManifest(where, options))?.manifest.layers ?? [];
    if (await isSignedBy(image, key, where, layers, options)) return;
  }
  const byBundle = await isSignedByBundle(image, key, options);
  if (byBundle) return;
  if (!tagged && referrers.length === 0 && byBundle === undefined)
    throw new Error(`${name}: is not signed (there is no tag ${tag.tag}): modelgate sign it first`);
  throw new Error(`${name}: no signature was made by this key for this image`);
}

/** Whether one of the layers is the payload of this image with a signature that the key made. */
async function isSignedBy(
  image: Reference,
  key: KeyObject,
  where: Reference,
  layers: Descriptor[],
  options: RegistryOptions,
): Promise<boolean> {
  for (const layer of layers) {
    const signature = layer.annotations?.[SIGNATURE];
    if (layer.mediaType !== PAYLOAD_TYPE || !signature) continue;
    const payload = await pullBlob(where, layer, options);
    if (!verify("sha256", payload, key, Buffer.from(signature, "base64"))) continue;
    const { critical } = JSON.parse(new TextDecoder().decode(payload)) as Payload;
    if (critical?.image?.["docker-manifest-digest"] === image.digest) return true;
  }
  return false;
}

function payloadOf(image: Reference): Blob {
  const payload: Payload = {
    critical: {
      identity: { "docker-reference": `${image.registry}/${image.repository}` },
      image: { "docker-manifest-digest": requireDigest(image) },
      type: "cosign container image signature",
    },
  };
  return json(PAYLOAD_TYPE, { ...payload, optional: null });
}

function signatureTag(image: Reference): Reference & { tag: string } {
  const { registry, repository } = image;
  return { registry, repository, tag: `${requireDigest(image).replace(":", "-")}.sig` };
}
