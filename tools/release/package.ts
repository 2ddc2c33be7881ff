import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../lib/installation.ts";
import { stagePackage } from "./stage.ts";

/** Packs the npm package into build/package/ and prints its path. The filters have to be built. */
const folder = await stagePackage();
const destination = fileURLToPath(new URL("build/package/", PROJECT_ROOT));
const [packed] = JSON.parse(
  execFileSync("npm", ["pack", "--json", "--pack-destination", destination], {
    cwd: folder,
    encoding: "utf8",
  }),
);
console.error(`packed ${packed.filename}, ${packed.size} bytes, ${packed.unpackedSize} unpacked`);
console.log(`${destination}${packed.filename}`);
