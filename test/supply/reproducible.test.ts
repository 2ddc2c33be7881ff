import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { compileConverter } from "../../tools/local/converter/compile.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(PROJECT_ROOT);
const SMALLEST = "access-log";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelgate-reproducible-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A copy of the project in another folder, with other times of its files. */
async function copy(name: string): Promise<string> {
  const root = join(folder, name);
  await mkdir(root);
  for (const entry of ["package.json", "package-lock.json", "asconfig.json", "proto", "tools", "filters"])
    await cp(join(ROOT, entry), join(root, entry), { recursive: true });
  await utimes(join(root, "filters/access-log/module.ts"), 1, 1);
  await symlink(join(ROOT, "node_modules"), join(root, "node_modules"));
  return root;
}

/** Builds and packs in a project's folder, with the environment of another machine. */
async function build(root: string, umask: string, env: NodeJS.ProcessEnv): Promise<object> {
  const modelgate = `"${process.execPath}" tools/cli/modelgate.ts`;
  const script = `umask ${umask} && ${modelgate} build ${SMALLEST} && ${modelgate} pack ${SMALLEST}`;
  const { stdout } = await run("sh", ["-c", script], { cwd: root, env: { ...process.env, ...env } });
  return {
    digest: stdout.trim(),
    module: await readFile(join(root, `build/${SMALLEST}.wasm`)),
    map: await readFile(join(root, `build/${SMALLEST}.wasm.map`), "utf8"),
  };
}

describe("the same sources", { timeout: 240_000 }, () => {
  it("give the same module, source map and image in another folder, time zone, language and umask", async () => {
    const here = await build(await copy("a"), "022", { TZ: "UTC", LANG: "C" });
    const there = await build(await copy("a longer name"), "077", {
      TZ: "Asia/Kolkata",
      LANG: "tr_TR.UTF-8",
      LC_ALL: "tr_TR.UTF-8",
      HOME: folder,
      SOURCE_DATE_EPOCH: "1",
    });
    expect(there).toEqual(here);
    expect(JSON.stringify(there)).not.toContain(folder);
  });

  it("give the same converter, wherever its folder lies", async () => {
    const modules = [];
    for (const name of ["one", "another one"]) {
      const own = join(folder, name);
      await cp(join(ROOT, "test/wasm/converters/other"), own, { recursive: true });
      await compileConverter(own);
      modules.push([
        await readFile(join(own, "build/converter.wasm")),
        await readFile(join(own, "build/converter.wasm.map"), "utf8"),
      ]);
    }
    expect(modules[1]).toEqual(modules[0]);
    expect(String(modules[1])).not.toContain(folder);
  });
});
