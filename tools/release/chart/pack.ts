import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { PROJECT_ROOT } from "../../lib/installation.ts";
import { gzipped, tarOf } from "../../lib/oci/archive.ts";
import { digestOf } from "../../lib/oci/digest.ts";
import { type Blob, descriptor, json, MANIFEST_TYPE } from "../../lib/oci/image.ts";

const CHART = fileURLToPath(new URL("manifests/chart/", PROJECT_ROOT));
/** Where values.yaml names no image; the controller's comes first. */
const NO_IMAGE = 'image: { repository: "", tag: "", digest: "" }';

/** An image by digest. */
export interface ImageName {
  /** host/name */
  repository: string;
  digest: string;
}

interface Release {
  version: string;
  /** What the chart installs by default; without them its user names the images. */
  images?: { controller: ImageName; collector: ImageName };
}

/**
 * The Helm chart as `helm package` makes it, a .tgz with one folder; the same files give the same bytes.
 * @throws Error when the chart has not the places where version and images stand
 */
export async function packChart({ version, images }: Release): Promise<Uint8Array> {
  const files: [string, Uint8Array][] = [];
  for (const path of await filesBelow(CHART)) {
    let text = await readFile(join(CHART, path), "utf8");
    if (path === "Chart.yaml") text = text.replace(/^(version|appVersion): .*$/gm, `$1: ${version}`);
    if (path === "values.yaml" && images) text = withImages(text, [images.controller, images.collector]);
    files.push([`modelgate/${path}`, Buffer.from(text)]);
  }
  return gzipped(await tarOf(files));
}

function withImages(values: string, images: ImageName[]): string {
  if (values.split(NO_IMAGE).length !== images.length + 1)
    throw new Error(`manifests/chart/values.yaml: must have ${images.length} times ${NO_IMAGE}`);
  return images.reduce(
    (text, { repository, digest }) =>
      text.replace(NO_IMAGE, `image: { repository: "${repository}", tag: "", digest: "${digest}" }`),
    values,
  );
}

/** Files of a folder by their paths in it, behind links too. */
async function filesBelow(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    const below = await readdir(path).catch(() => undefined);
    if (below === undefined) paths.push(name);
    else if (name !== "provisioning") for (const each of await filesBelow(path)) paths.push(join(name, each));
  }
  return paths;
}

/**
 * A packed chart as `helm push` stores it in a registry (helm.sh/docs/topics/registries, "OCI image
 * manifest").
 */
export async function chartArtifact(
  packed: Uint8Array,
  version: string,
): Promise<{ manifest: Blob; blobs: Blob[] }> {
  const chart = parse(await readFile(join(CHART, "Chart.yaml"), "utf8"));
  const config = json("application/vnd.cncf.helm.config.v1+json", { ...chart, version, appVersion: version });
  const layer = {
    mediaType: "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    digest: digestOf(packed),
    bytes: packed,
  };
  const manifest = json(MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptor(config),
    layers: [descriptor(layer)],
    annotations: {
      "org.opencontainers.image.title": chart.name,
      "org.opencontainers.image.version": version,
      "org.opencontainers.image.description": chart.description,
    },
  });
  return { manifest, blobs: [layer, config] };
}
