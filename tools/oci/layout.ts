import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { descriptor, type Image } from "./image.ts";

/** Writes an OCI image layout (image-spec, image-layout.md) into `folder`, in place of what was there. */
export async function writeLayout(folder: string, { manifest, config, layer }: Image): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  for (const { digest, bytes } of [manifest, config, layer]) {
    const file = join(folder, "blobs", ...digest.split(":"));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
  await writeFile(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await writeFile(
    join(folder, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [descriptor(manifest)] }),
  );
}
