import { type Blob, type Descriptor, descriptor, INDEX_TYPE, json, MANIFEST_TYPE } from "./image.ts";
import { fromMirrors } from "./mirrors.ts";
import { type Reference, requireDigest } from "./reference.ts";
import { pullBytes, push, pushManifest } from "./registry.ts";
import { RegistryClient, type RegistryOptions } from "./registry-client.ts";

const EMPTY_CONFIG = json("application/vnd.oci.empty.v1+json", {});

interface Index {
  schemaVersion: 2;
  mediaType: string;
  /** Null for none, as some registries write it. */
  manifests: Entry[] | null;
}

type Entry = Descriptor & { artifactType?: string };

/**
 * Attaches a document to an image: an artifact whose `subject` the image is (image-spec 1.1, "Guidelines for
 * Artifact Usage").
 * @returns where it is
 */
export async function attach(
  image: Reference,
  document: Blob,
  fileName: string,
  options: RegistryOptions = {},
) {
  const { registry, repository } = image;
  const title = { "org.opencontainers.image.title": fileName };
  const manifest = json(MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    artifactType: document.mediaType,
    config: descriptor(EMPTY_CONFIG),
    layers: [{ ...descriptor(document), annotations: title }],
    subject: await subjectOf(image, options),
  });
  await push({ manifest, blobs: [EMPTY_CONFIG, document] }, { registry, repository }, options);
  await announce(image, manifest, document.mediaType, options);
  return `oci://${registry}/${repository}@${manifest.digest}`;
}

/** The descriptor of an image, as a `subject` holds it. @throws Error when it is not there */
export async function subjectOf(image: Reference, options: RegistryOptions): Promise<Descriptor> {
  const digest = requireDigest(image);
  const pulled = await pullBytes(image, options);
  if (!pulled) throw new Error(`${image.repository}@${digest}: the registry has no such image`);
  return { mediaType: pulled.mediaType, digest, size: pulled.bytes.length };
}

/**
 * Makes a pushed manifest with a `subject` found by its image where the registry does not do so itself: it is
 * written into the index
 * `sha256-<hex>` (distribution-spec 1.1, "Referrers Tag Schema").
 */
export async function announce(
  image: Reference,
  manifest: Blob,
  artifactType: string,
  options: RegistryOptions,
): Promise<void> {
  const client = new RegistryClient(image, "pull,push", options);
  if (await askReferrers(client, requireDigest(image))) return;
  const others = (await taggedIndex(image, options))?.manifests ?? [];
  if (others.some(({ digest }) => digest === manifest.digest)) return;
  const manifests = [...others, { ...descriptor(manifest), artifactType }];
  const index: Index = { schemaVersion: 2, mediaType: INDEX_TYPE, manifests };
  await pushManifest(client, referrersTag(image), json(INDEX_TYPE, index));
}

/**
 * Manifests of a type whose subject is the image: by the referrers API, or by the tag where the registry
 * lacks it.
 */
export async function referrersOf(
  image: Reference,
  artifactType: string,
  options: RegistryOptions = {},
): Promise<Descriptor[]> {
  const found = await fromMirrors(image, options.mirrors, async (reference) => {
    const client = new RegistryClient(reference, "pull", options);
    const index =
      (await askReferrers(client, requireDigest(reference))) ?? (await taggedIndex(reference, options));
    const own = index?.manifests?.filter((each) => each.artifactType === artifactType) ?? [];
    return own.length > 0 ? own : undefined;
  });
  return found ?? [];
}

/** @returns undefined when the registry has no referrers API */
async function askReferrers(client: RegistryClient, digest: string): Promise<Index | undefined> {
  const response = await client.send("GET", `${client.base}/referrers/${digest}`, { accept: INDEX_TYPE });
  if (response.ok && response.headers.get("content-type")?.startsWith(INDEX_TYPE))
    return (await response.json()) as Index;
  await response.body?.cancel();
  return undefined;
}

async function taggedIndex(image: Reference, options: RegistryOptions): Promise<Index | undefined> {
  const { registry, repository } = image;
  const tag = { registry, repository, tag: referrersTag(image) };
  const pulled = await pullBytes(tag, { ...options, mirrors: new Map() }, INDEX_TYPE);
  return pulled && (JSON.parse(new TextDecoder().decode(pulled.bytes)) as Index);
}

function referrersTag(image: Reference): string {
  return requireDigest(image).replace(":", "-");
}
