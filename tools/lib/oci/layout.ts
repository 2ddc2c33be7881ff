import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { descriptor, type Image } from "./image.ts";

const VERSION_FILE = "oci-layout";

/**
 * Writes an OCI image layout (image-spec, image-layout.md) into `folder`, in place of the one that was there.
 * @throws Error when the folder holds anything else
 */
export async function writeLayout(folder: string, { manifest, config, layer }: Image): Promise<void> {
  const entries = await entriesOf(folder);
  if (entries.length > 0 && !entries.includes(VERSION_FILE))
    throw new Error(`${folder}: holds something else than an image layout: name a new or an empty folder`);
  for (const entry of ["blobs", "index.json", VERSION_FILE])
    await rm(join(folder, entry), { recursive: true, force: true });
  for (const { digest, bytes } of [manifest, config, layer]) {
    const file = join(folder, "blobs", ...digest.split(":"));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
  await writeFile(join(folder, VERSION_FILE), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await writeFile(
    join(folder, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [descriptor(manifest)] }),
  );
}

/** None for a folder that is not there. */
async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
