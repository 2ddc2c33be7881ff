import { writeFile } from "node:fs/promises";
import { PROJECT_ROOT } from "../../lib/installation.ts";
import { chartTemplates } from "./templates.ts";

for (const [path, text] of await chartTemplates()) {
  await writeFile(new URL(`manifests/chart/${path}`, PROJECT_ROOT), text);
  console.log(`wrote manifests/chart/${path}, ${text.length} bytes`);
}
