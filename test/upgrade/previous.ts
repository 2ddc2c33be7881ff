import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cachePath, PROJECT_ROOT } from "../../tools/lib/installation.ts";

const ROOT = fileURLToPath(PROJECT_ROOT);
const git = (...args: string[]) => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();

/** The version that is upgraded from. */
export interface Previous {
  /** What it was asked for by: a tag, or a commit. */
  name: string;
  /** Its checkout, built. */
  folder: string;
}

/** As long as there is no release: a state of main that passed all tests, with packages. */
const BEFORE_THE_FIRST_RELEASE = "a721bea";

/** What is upgraded from: $MODELGATE_PREVIOUS, else the last release. */
function previousName(): string {
  if (process.env.MODELGATE_PREVIOUS) return process.env.MODELGATE_PREVIOUS;
  const releases = git("tag", "--list", "v*", "--sort=-version:refname", "--no-contains", "HEAD");
  return releases.split("\n")[0] || BEFORE_THE_FIRST_RELEASE;
}

/** Checks the previous version out beside the cache and builds its filters, once for a commit, with the packages of today. */
export function previousVersion(): Previous {
  const name = previousName();
  const commit = git("rev-parse", "--short=12", `${name}^{commit}`);
  const folder = cachePath(`upgrade/${commit}`);
  if (existsSync(folder)) return { name, folder };
  console.error(`building ${name} (once, a minute or two) ...`);
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  git("clone", "--quiet", ROOT, unfinished);
  execFileSync("git", ["checkout", "--quiet", commit], { cwd: unfinished });
  for (const each of ["node_modules", ".cache"]) symlinkSync(join(ROOT, each), join(unfinished, each));
  const args = ["tools/cli/modelgate.ts", "build", "gateway"];
  execFileSync(process.execPath, args, { cwd: unfinished, stdio: "inherit" });
  renameSync(unfinished, folder);
  return { name, folder };
}
