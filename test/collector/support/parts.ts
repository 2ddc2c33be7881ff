import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";

const CACHE = fileURLToPath(new URL(".cache/collector", PROJECT_ROOT));
const run = promisify(execFile);

/** Why tests that need these programs are skipped; undefined when all are there. */
export function lacking(programs: Record<string, string>): string | undefined {
  const missing = Object.entries(programs).filter(
    ([name]) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0,
  );
  return missing.length === 0 ? undefined : `install ${missing.map(([, source]) => source).join(", ")}`;
}

export const JAVA = { java: "a JDK 17 or newer (Debian default-jdk-headless)", mvn: "Maven (Debian maven)" };
export const GO = { go: "Go 1.26 or newer" };

/** The class path of what a folder's pom.xml pins, fetched once. */
export function mavenClassPath(folder: string): Promise<string> {
  return cached(folder, ["pom.xml"], (target) =>
    run("mvn", [
      "-q",
      "-B",
      "-f",
      join(folder, "pom.xml"),
      "dependency:copy-dependencies",
      `-DoutputDirectory=${target}`,
    ]),
  ).then((path) => join(path, "*"));
}

/** The program that a folder's Go module is, built once. */
export function goProgram(folder: string): Promise<string> {
  return cached(folder, ["go.mod", "go.sum", "main.go"], (target) =>
    run("go", ["build", "-mod=readonly", "-trimpath", "-o", join(target, "program"), "."], { cwd: folder }),
  ).then((path) => join(path, "program"));
}

async function cached(
  folder: string,
  inputs: string[],
  make: (target: string) => Promise<unknown>,
): Promise<string> {
  const hash = createHash("sha256");
  for (const input of inputs) hash.update(await readFile(join(folder, input)));
  const target = join(
    CACHE,
    `${folder.split("/").filter(Boolean).at(-1)}-${hash.digest("hex").slice(0, 12)}`,
  );
  if (
    await access(target).then(
      () => true,
      () => false,
    )
  )
    return target;
  const unfinished = `${target}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await make(unfinished);
  await rename(unfinished, target);
  return target;
}
