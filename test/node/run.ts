import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { stagePackage } from "../../tools/release/stage.ts";
import { buildPrograms } from "../cluster/support/programs.ts";
import { makeImages } from "./support/images.ts";
import { NAMESPACES, whyNot } from "./support/requirements.ts";

const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const CONFIG = fileURLToPath(new URL("vitest.config.ts", import.meta.url));
const INSIDE = fileURLToPath(new URL("inside.ts", import.meta.url));

/** Brings up one node of Kubernetes, runs the tests of this folder beside it and takes it down. */
async function run(): Promise<number> {
  const reason = whyNot();
  if (reason) {
    console.log(`node tests are skipped: ${reason}`);
    return 0;
  }
  await buildPrograms("kubernetes", "kubernetes-node", "istio", "istioctl");
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-node-"));
  const started = Date.now();
  await stagePackage();
  const archives = await makeImages(folder.path);
  for (const { names, bytes } of archives)
    console.error(`image ${names.join(", ")}: ${(bytes / 1e6).toFixed(1)} MB`);
  console.error(`images made in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  const paths = archives.map(({ path }) => path).join(",");
  const tests = [process.execPath, VITEST, "run", "--config", CONFIG, ...process.argv.slice(2)];
  // The node ends when its standard input does: at a signal, and also when this process is killed.
  const child = spawn("unshare", [...NAMESPACES, process.execPath, INSIDE, folder.path, paths, ...tests], {
    stdio: ["pipe", "inherit", "inherit"],
    detached: true,
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.stdin.end());
  const [code] = await once(child, "exit");
  await folder.remove();
  return code ?? 1;
}

process.exitCode = await run();
