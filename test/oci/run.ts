import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { missingPrograms } from "../support/registry.ts";

/** Other programs that read and write what Modelgate has in a registry, built once, in minutes. */
const PEERS = {
  cosign: "github.com/sigstore/cosign/v2/cmd/cosign@v2.5.3",
  "3/cosign": "github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3",
  oras: "oras.land/oras/cmd/oras@v1.2.3",
};
const FOLDER = fileURLToPath(new URL(".cache/oci", PROJECT_ROOT));
const VITEST = fileURLToPath(new URL("node_modules/vitest/vitest.mjs", PROJECT_ROOT));

if (missingPrograms("go").length > 0) console.log("no tests against cosign and oras: install Go 1.26");
else
  for (const [name, source] of Object.entries(PEERS)) {
    if (existsSync(join(FOLDER, name))) continue;
    console.error(`building ${source} (once, minutes) ...`);
    const GOBIN = join(FOLDER, dirname(name));
    mkdirSync(GOBIN, { recursive: true });
    execFileSync("go", ["install", source], { env: { ...process.env, GOBIN }, stdio: "inherit" });
  }
process.exitCode = spawnSync(process.execPath, [VITEST, "run", "test/oci"], { stdio: "inherit" }).status ?? 1;
