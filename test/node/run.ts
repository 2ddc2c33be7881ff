import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { stagePackage } from "../../tools/release/stage.ts";
import { buildPrograms } from "../cluster/support/programs.ts";
import { makeImages } from "./support/images.ts";
import { MOUNT_POINTS } from "./support/machine.ts";
import { NAMESPACES, whyNot } from "./support/requirements.ts";

const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const CONFIG = fileURLToPath(new URL("vitest.config.ts", import.meta.url));
const CHART_CONFIG = fileURLToPath(new URL("../chart/node/vitest.config.ts", import.meta.url));
const INSIDE = fileURLToPath(new URL("inside.ts", import.meta.url));

/**
 * What vitest runs: files by parts of their names, all of them, or the short form; `chart` stands for the files of
 * test/chart/node, which begin with an empty node. @param names of the command line
 */
function chosen(names: string[]): string[] {
  if (names[0] === "chart") return [CHART_CONFIG];
  if (names.length === 0) return [CONFIG, "story"];
  return names.includes("all") ? [CONFIG] : [CONFIG, ...names];
}

/** Brings up one node of Kubernetes, runs the tests of this folder beside it and takes it down. */
async function run(): Promise<number> {
  const reason = whyNot();
  if (reason) {
    console.log(`node tests are skipped: ${reason}`);
    return 0;
  }
  const [name] = process.argv.slice(2);
  await buildPrograms("kubernetes", "kubernetes-node", "coredns", "istio", "istioctl");
  if (name === "chart") await buildPrograms("helm");
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-node-"));
  const started = Date.now();
  await stagePackage();
  const archives = await makeImages(folder.path);
  for (const { names, bytes } of archives)
    console.error(`image ${names.join(", ")}: ${(bytes / 1e6).toFixed(1)} MB`);
  console.error(`images made in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  const paths = archives.map(({ path }) => path).join(",");
  const command = [process.execPath, VITEST, "run", "--config", ...chosen(process.argv.slice(2))];
  // The node ends when its standard input does: at a signal, and also when this process is killed.
  const madeFolders = MOUNT_POINTS.filter((path) => !existsSync(path));
  const child = spawn("unshare", [...NAMESPACES, process.execPath, INSIDE, folder.path, paths, ...command], {
    stdio: ["pipe", "inherit", "inherit"],
    detached: true,
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.stdin.end());
  const [code] = await once(child, "exit");
  for (const path of madeFolders) await rmdir(path).catch(() => undefined);
  await folder.remove();
  return code ?? 1;
}

process.exitCode = await run();
