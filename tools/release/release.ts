import { readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PROJECT_ROOT } from "../lib/installation.ts";
import { generateKeys } from "../lib/oci/keys.ts";
import { temporaryFolder } from "../lib/temporary-folder.ts";
import { run } from "./run.ts";
import { releaseChangelog, requireVersion, withVersion } from "./version.ts";

const USAGE = `npm run release -- VERSION --registry HOST/PATH --key FILE [--download URL]
npm run release -- VERSION --dry-run

Makes a release of what is committed: packages, filter, images, chart, bills of materials, signatures and notes, in
build/release/VERSION. URL is where you will serve the folders of releases: the manifest for Krew names it. With --dry-run nothing is pushed, committed or tagged, and a key is made for the occasion.`;
const FOLDER = fileURLToPath(PROJECT_ROOT);
const VERSIONED = ["package.json", "package-lock.json", "manifests/chart/Chart.yaml"];

interface Options {
  version: string;
  dryRun: boolean;
  registry?: string;
  key?: string;
  download?: string;
}

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ "dry-run": { type: "boolean" }, registry: { type: "string" }, key: { type: "string" } },
      download: { type: "string" },
    },
  });
  const [version, ...others] = positionals;
  const { registry, key, download, "dry-run": dryRun = false } = values;
  const complete = dryRun ? registry === undefined : registry !== undefined && key !== undefined;
  if (version === undefined || others.length > 0 || !complete) throw new Error(USAGE);
  return {
    version: requireVersion(version),
    dryRun,
    ...(registry && { registry }),
    ...(key && { key }),
    ...(download && { download }),
  };
}

/** Works in a clone, so that a release that fails leaves nothing behind. */
async function release(options: Options): Promise<void> {
  const { version, dryRun, registry } = options;
  if (!dryRun && (await run(FOLDER, "git", "status", "--porcelain")) !== "")
    throw new Error("there are changes that are not committed: a release is made of what is");
  if (await run(FOLDER, "git", "tag", "--list", `v${version}`))
    throw new Error(`the tag v${version} is there`);
  const temporary = await temporaryFolder(join(tmpdir(), "modelgate-release-"));
  try {
    const clone = join(temporary.path, "modelgate");
    await run(FOLDER, "git", "clone", "--quiet", FOLDER, clone);
    for (const name of ["node_modules", ".cache"]) await symlink(join(FOLDER, name), join(clone, name));
    const notes = join(temporary.path, "notes.md");
    await writeVersion(clone, version, notes);
    if (options.key === undefined) await generateKeys(join(temporary.path, "occasional"));
    const key = resolve(options.key ?? join(temporary.path, "occasional.key"));
    const out = join(FOLDER, "build/release", version);
    const args = ["--version", version, "--notes", notes, "--out", out, "--key", key];
    if (registry !== undefined) args.push("--registry", registry);
    if (options.download !== undefined) args.push("--download", options.download);
    console.log(await run(clone, process.execPath, "tools/release/make.ts", ...args));
    console.log(`the files are in build/release/${version}`);
    if (dryRun) return;
    await run(FOLDER, "git", "pull", "--quiet", "--ff-only", "--tags", clone, "HEAD");
    console.log(`committed and tagged here as v${version}; what is left:
  git push --follow-tags
  npm publish build/release/${version}/modelgate-filter-sdk-${version}.tgz
  npm publish build/release/${version}/modelgate-${version}.tgz`);
  } finally {
    await temporary.remove();
  }
}

/**
 * Commits the version in the clone and tags it.
 * @param notesFile gets the version's section of the changelog
 */
async function writeVersion(clone: string, version: string, notesFile: string): Promise<void> {
  for (const path of VERSIONED) {
    const file = join(clone, path);
    await writeFile(file, withVersion(path, await readFile(file, "utf8"), version));
  }
  const file = join(clone, "CHANGELOG.md");
  const date = new Date().toISOString().slice(0, 10);
  const { changelog, notes } = releaseChangelog(await readFile(file, "utf8"), version, date);
  await writeFile(file, changelog);
  await writeFile(notesFile, notes);
  for (const name of ["user.name", "user.email"]) {
    const value = await run(FOLDER, "git", "config", name).catch(() => "modelgate@release.invalid");
    await run(clone, "git", "config", name, value);
  }
  await run(clone, "git", "commit", "--quiet", "--all", "--message", `Version ${version}`);
  await run(clone, "git", "tag", "--annotate", `v${version}`, "--message", `Version ${version}`);
}

try {
  await release(readOptions());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
