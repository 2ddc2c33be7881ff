import type { KeyObject } from "node:crypto";
import { type Blob, packImage } from "../lib/oci/image.ts";
import { parseReference } from "../lib/oci/reference.ts";
import { attach } from "../lib/oci/referrers.ts";
import { push, pushImage } from "../lib/oci/registry.ts";
import { moduleBill, SBOM_NAME } from "../lib/oci/sbom.ts";
import { signImage } from "../lib/oci/signature.ts";
import { readModule, readSources } from "../lib/wasm/read.ts";
import { chartArtifact, type ImageName } from "./chart/pack.ts";

export interface Registry {
  /** host/path that the names of images follow. */
  name: string;
  key: KeyObject;
}

/** Signs an image or chart that is in the registry, and attaches its bill of materials. */
export async function signed(
  { repository, digest }: ImageName,
  { key }: Registry,
  bill?: Blob,
): Promise<ImageName> {
  const reference = parseReference(`oci://${repository}@${digest}`);
  await signImage(reference, key);
  if (bill) await attach(reference, bill, SBOM_NAME);
  return { repository, digest };
}

/** The bill of materials of gateway.wasm. */
export async function filterBill(): Promise<Blob> {
  return moduleBill("gateway", await readModule("gateway"), await readSources("gateway"));
}

/** Pushes gateway.wasm as `modelgate push` does. */
export async function publishFilter(version: string, registry: Registry): Promise<ImageName> {
  const image = await packImage(await readModule("gateway"), "compat");
  const repository = `${registry.name}/gateway`;
  await pushImage(image, parseReference(`oci://${repository}:${version}`));
  return signed({ repository, digest: image.manifest.digest }, registry, await filterBill());
}

/** Pushes a packed chart as `helm push` does. */
export async function publishChart(
  packed: Uint8Array,
  version: string,
  registry: Registry,
): Promise<ImageName> {
  const artifact = await chartArtifact(packed, version);
  const repository = `${registry.name}/charts/modelgate`;
  await push(artifact, parseReference(`oci://${repository}:${version}`));
  return signed({ repository, digest: artifact.manifest.digest }, registry);
}
