import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { buildPrograms } from "../cluster/support/programs.ts";
import { missingPrograms } from "../support/registry.ts";

const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const CONFIG = fileURLToPath(new URL("vitest.config.ts", import.meta.url));

/** Builds Helm, once for its version, and runs the tests of this folder. */
if (missingPrograms("go").length > 0) console.log("the chart is not tested: install Go 1.26");
else {
  await buildPrograms("helm");
  const args = [VITEST, "run", "--config", CONFIG, ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
}
