import { gzipped, tarOf } from "./archive.ts";
import { digestOf } from "./digest.ts";

/**
 * How a module is packed (Istio reads both): `compat` is an ordinary image with one layer that holds
 * `plugin.wasm`,
 * `artifact` has the module itself as a layer, behind one with its (empty) configuration: Istio insists on
 * two.
 */
export const VARIANTS = ["compat", "artifact"] as const;
export type Variant = (typeof VARIANTS)[number];

export interface Blob {
  mediaType: string;
  digest: string;
  bytes: Uint8Array;
}

/** How a manifest names a blob (image-spec, descriptor.md). */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
  /** In an index: for which machine it is. */
  platform?: { os: string; architecture: string };
}

export interface Image {
  manifest: Blob;
  config: Blob;
  layer: Blob;
}

export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
export const DOCKER_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json";
export const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";

/** Packs a module. The same bytes give the same digest, at any time and on any machine. */
export async function packImage(module: Uint8Array, variant: Variant): Promise<Image> {
  const [layer, config] = variant === "compat" ? await compat(module) : artifact(module);
  const layers = variant === "compat" ? [layer] : [config, layer];
  const manifest = json(MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptor(config),
    layers: layers.map(descriptor),
  });
  return { manifest, config, layer };
}

async function compat(module: Uint8Array): Promise<[Blob, Blob]> {
  const archive = await tarOf([["plugin.wasm", module]]);
  const layer = blob("application/vnd.oci.image.layer.v1.tar+gzip", gzipped(archive));
  const config = json("application/vnd.oci.image.config.v1+json", {
    architecture: "wasm",
    os: "wasi",
    config: {},
    rootfs: { type: "layers", diff_ids: [digestOf(archive)] },
  });
  return [layer, config];
}

function artifact(module: Uint8Array): [Blob, Blob] {
  return [
    blob("application/vnd.module.wasm.content.layer.v1+wasm", module),
    json("application/vnd.module.wasm.config.v1+json", {}),
  ];
}

export function descriptor({ mediaType, digest, bytes }: Blob): Descriptor {
  return { mediaType, digest, size: bytes.length };
}

/** A blob of JSON; the same value gives the same bytes. */
export function json(mediaType: string, value: object): Blob {
  return blob(mediaType, new TextEncoder().encode(JSON.stringify(value)));
}

function blob(mediaType: string, bytes: Uint8Array): Blob {
  return { mediaType, digest: digestOf(bytes), bytes };
}
