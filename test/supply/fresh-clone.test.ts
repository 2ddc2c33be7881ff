import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { VARIANTS } from "../../tools/lib/oci/image.ts";
import { readLock } from "../../tools/lib/oci/locked-packages.ts";
import { type TemporaryFolder, temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { MODULES } from "../../tools/lib/wasm/modules.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(PROJECT_ROOT);

/** A command in a folder as on another machine: other time zone, language and umask. @returns what it printed */
async function elsewhere(folder: string, command: string): Promise<string> {
  const env = { ...process.env, TZ: "Pacific/Auckland", LANG: "tr_TR.UTF-8", FORCE_COLOR: "0" };
  const { stdout } = await run("sh", ["-c", `umask 077 && ${command}`], { cwd: folder, env, maxBuffer: 1e8 });
  return stdout;
}

async function artifacts(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of MODULES) {
    for (const file of [`${name}.wasm`, `${name}.wasm.map`])
      found[file] = createHash("sha256")
        .update(await readFile(join(root, "build", file)))
        .digest("hex");
    for (const variant of VARIANTS)
      found[`${name}, ${variant}`] = (
        await elsewhere(root, `npm run -s modelgate -- pack ${name} --variant ${variant}`)
      ).trim();
  }
  return found;
}

describe("a fresh clone, installed with npm ci", () => {
  let folder: TemporaryFolder;
  let clone: string;
  beforeAll(async () => {
    const { stdout } = await run("git", ["status", "--porcelain"], { cwd: ROOT });
    if (stdout) throw new Error(`commit first, for the clone has what is committed:\n${stdout}`);
    folder = await temporaryFolder(join(tmpdir(), "modelgate supply "));
    clone = join(folder.path, "fresh clone");
    await run("git", ["clone", "--quiet", "--no-local", ROOT, clone]);
    await elsewhere(clone, "npm ci");
  });
  afterAll(() => folder?.remove());

  it("runs no install script, and needs none: the tests of its logic pass", async () => {
    expect(await elsewhere(clone, "npm config get ignore-scripts")).toBe("true\n");
    // What has one can do without: two are native speed-ups of an SSH client, one prints a warning.
    const lock = await readLock();
    const scripted = [...lock.values()].filter((each) => each.hasInstallScript).map(({ name }) => name);
    expect(scripted.sort()).toEqual(["cpu-features", "protobufjs", "ssh2"]);
    await elsewhere(
      clone,
      "npm run build && npx vitest run test/unit/numbers.test.ts test/unit/oci test/unit/collector",
    );
    expect(await elsewhere(clone, "npm exec -- node --version")).toBe(
      `v${lock.get("tools/release/node")?.version}\n`,
    );
  });

  it("gives the modules, source maps and images that this checkout gives", async () => {
    await elsewhere(ROOT, "npm run build");
    const here = await artifacts(ROOT);
    console.log(
      Object.entries(here)
        .map(([name, digest]) => `${digest}  ${name}`)
        .join("\n"),
    );
    expect(await artifacts(clone)).toEqual(here);
  });
});
