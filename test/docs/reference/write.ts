/** Writes the generated pages of the docs: `npm run reference`. */
import { writeFile } from "node:fs/promises";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { referencePages } from "./pages.ts";

for (const [path, text] of await referencePages()) {
  await writeFile(new URL(path, PROJECT_ROOT), text);
  console.error(`wrote ${path}`);
}
process.exit(0);
