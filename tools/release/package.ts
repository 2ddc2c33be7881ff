import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../lib/installation.ts";
import { stagePackage, stageSdk } from "./stage.ts";

/** Packs the npm packages into build/package/ and prints their paths. The filters have to be built. */
const destination = fileURLToPath(new URL("build/package/", PROJECT_ROOT));
for (const folder of [await stagePackage(), await stageSdk()]) {
  const args = ["pack", "--json", "--pack-destination", destination];
  const [packed] = JSON.parse(execFileSync("npm", args, { cwd: folder, encoding: "utf8" }));
  console.error(`packed ${packed.filename}, ${packed.size} bytes, ${packed.unpackedSize} unpacked`);
  console.log(`${destination}${packed.filename}`);
}
