import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Virtual environments of Python for tests against foreign programs. */

export interface PythonVersions {
  /** The oldest minor version of Python 3 that will do, and the newest; default: any newer. */
  from: number;
  to?: number;
}

const PROBE = "import sys, venv, ensurepip; print(sys.version_info[1])";

/** @returns what to install before an environment can be made, undefined when nothing is missing */
export function lackingPython({ from, to = Number.POSITIVE_INFINITY }: PythonVersions): string | undefined {
  const wanted = Number.isFinite(to) ? `Python 3.${from} to 3.${to}` : `Python 3.${from} or newer`;
  const { error, status, stdout } = spawnSync("python3", ["-c", PROBE], { encoding: "utf8" });
  if (error) return `install ${wanted} (Debian python3, python3-venv)`;
  if (status !== 0) return "install venv and pip for python3 (Debian python3-venv)";
  const minor = Number(stdout);
  return minor >= from && minor <= to ? undefined : `install ${wanted}: python3 is 3.${minor}`;
}

/**
 * Makes the environment of a requirements file in .cache, anew when that file changes.
 * @returns its folder
 * @throws Error with pip's own words
 */
export function installPython(name: string, requirements: string): string {
  const digest = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const parent = fileURLToPath(new URL(`../../.cache/${name}/`, import.meta.url));
  const folder = `${parent}${digest}`;
  if (existsSync(`${folder}/installed`)) return folder;
  console.log(`installing ${requirements} into ${folder}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(parent, { recursive: true });
  execFileSync("python3", ["-m", "venv", folder]);
  const options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"];
  execFileSync(`${folder}/bin/python`, ["-m", "pip", "install", ...options, "-r", requirements], {
    stdio: ["ignore", "inherit", "pipe"],
    encoding: "utf8",
  });
  writeFileSync(`${folder}/installed`, "");
  return folder;
}
