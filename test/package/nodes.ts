import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cachePath } from "../../tools/lib/installation.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";

const run = promisify(execFile);

/** Folder with the program `node` of a version, fetched once: the npm packages that hold Node's own builds. */
export async function nodeFolder(version: string): Promise<string> {
  const target = cachePath(`node-${version}`);
  const bin = join(target, "bin");
  if (existsSync(bin)) return bin;
  console.error(`fetching Node ${version} (once) ...`);
  await mkdir(cachePath(""), { recursive: true });
  const folder = await temporaryFolder(`${target}-`);
  try {
    const name = `node-linux-${process.arch}@${version}`;
    const { stdout } = await run("npm", ["pack", "--silent", name], { cwd: folder.path });
    await run("tar", ["xzf", stdout.trim()], { cwd: folder.path });
    await rename(join(folder.path, "package"), target);
  } finally {
    await folder.remove();
  }
  return bin;
}
