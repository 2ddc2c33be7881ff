import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Blob } from "../lib/oci/image.ts";
import { json } from "../lib/oci/image.ts";
import { parseReference } from "../lib/oci/reference.ts";
import { pullManifest } from "../lib/oci/registry.ts";
import type { ImageName } from "./chart/pack.ts";
import { run } from "./run.ts";

/** The images of the Dockerfile, by its targets. */
export const TARGETS = { controller: "modelgate", collector: "modelgate-collector" } as const;
export type Target = keyof typeof TARGETS;

interface Source {
  /** The checkout, with the staged package in it. */
  folder: string;
  version: string;
  revision: string;
  /** RFC 3339. */
  created: string;
}

/** Whether a container engine answers. */
export function engineAnswers(folder: string): Promise<boolean> {
  return run(folder, "docker", "info").then(
    () => true,
    () => false,
  );
}

/**
 * Builds an image and gives it a name.
 * @param name host/name:tag
 * @returns its bill of materials
 */
export async function buildContainerImage(target: Target, name: string, source: Source): Promise<Blob> {
  const { folder, version, revision, created } = source;
  const args = Object.entries({ VERSION: version, REVISION: revision, CREATED: created });
  await run(
    folder,
    ...["docker", "build", "--quiet", "--file", "manifests/controller/Dockerfile"],
    ...["--target", target, "--tag", name],
    ...args.flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]),
    ".",
  );
  const container = await run(folder, "docker", "create", name);
  const file = join(folder, "build", `${target}.cdx.json`);
  try {
    await run(folder, "docker", "cp", `${container}:/app/sbom.cdx.json`, file);
  } finally {
    await run(folder, "docker", "rm", container);
  }
  return json("application/vnd.cyclonedx+json", JSON.parse(await readFile(file, "utf8")));
}

/** Pushes an image. @returns its name by digest */
export async function pushContainerImage(folder: string, name: string): Promise<ImageName> {
  await run(folder, "docker", "push", "--quiet", name);
  const reference = parseReference(`oci://${name}`);
  const pushed = await pullManifest(reference);
  if (!pushed) throw new Error(`${name}: the registry does not have it after docker push`);
  return { repository: `${reference.registry}/${reference.repository}`, digest: pushed.digest };
}
