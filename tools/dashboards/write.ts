import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { FOLDER, monitoringFiles } from "./files.ts";

await mkdir(fileURLToPath(new URL("grafana/", FOLDER)), { recursive: true });
for (const [path, text] of await monitoringFiles()) {
  await writeFile(fileURLToPath(new URL(path, FOLDER)), text);
  console.log(`wrote manifests/monitoring/${path}, ${text.length} bytes`);
}
