import { execFile, execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CATALOG, nameOf } from "../../tools/cli/catalog.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { nodeFolder } from "./nodes.ts";

/** The oldest Node that is taken, and those of today. */
const NODES = ["22.15.0", "22.22.0", "24.21.0"];
const TOO_OLD = "20.20.2";

let folder: string;
let tarball: string;
let sdk: string;

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program in `cwd` with a Node first on PATH, and a home of its own. */
function run(node: string, cwd: string, program: string, ...args: string[]): Promise<Outcome> {
  const env = { ...process.env, PATH: `${node}${delimiter}${process.env.PATH}`, HOME: cwd, NO_COLOR: "1" };
  return new Promise((resolve) => {
    execFile(program, args, { cwd, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

async function installed(name: string, node: string): Promise<string> {
  const app = join(folder, name);
  await mkdir(app);
  const { code, stderr } = await run(node, app, "npm", "install", "--prefix", ".", tarball);
  expect([code, stderr.includes("npm error")]).toEqual([0, false]);
  return app;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelgate-package-"));
  const packed = execFileSync("npm", ["run", "--silent", "package"], {
    cwd: fileURLToPath(PROJECT_ROOT),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  [tarball = "", sdk = ""] = packed.trim().split("\n");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("is small, and holds no tests", async () => {
  expect((await stat(tarball)).size).toBeLessThan(4_000_000);
  const files = execFileSync("tar", ["tzf", tarball], { encoding: "utf8" }).split("\n");
  expect(files.filter((file) => /\.test\.m?[tj]s$|^package\/tools\/.*(?<!\.d)\.ts$/.test(file))).toEqual([]);
  expect(files).toContain("package/build/gateway.wasm");
});

describe.each(NODES)("on Node %s", (version) => {
  let node: string;
  let app: string;
  const modelgate = (...args: string[]) => run(node, app, "npx", "modelgate", ...args);

  beforeAll(async () => {
    node = await nodeFolder(version);
    app = await installed(version, node);
  });

  it("shows the help of every command", async () => {
    expect((await modelgate("--help")).code).toBe(0);
    for (const entry of CATALOG) {
      const { code, stdout, stderr } = await modelgate(nameOf(entry), "--help");
      expect([nameOf(entry), code, stderr]).toEqual([nameOf(entry), 0, ""]);
      expect(stdout).toContain(`Usage: modelgate ${nameOf(entry)}`);
    }
  });

  it("is a plug-in of kubectl, too", async () => {
    const { code, stdout } = await run(node, app, "npx", "kubectl-modelgate", "--help");
    expect([code, stdout]).toEqual([0, expect.stringContaining("Usage: kubectl modelgate")]);
  });

  it("does the main job: dev --demo in an empty folder", async () => {
    const { code, stdout, stderr } = await modelgate("dev", "--demo");
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    expect(stdout + stderr).toContain("all equal");
  });

  it("validates and renders an example", async () => {
    const example = "node_modules/modelgate/manifests/examples/search";
    expect((await modelgate("validate", "-f", example)).code).toBe(0);
    const image = `oci://registry.example/gateway@sha256:${"0".repeat(64)}`;
    const { code, stdout } = await modelgate("render", "-f", example, "--image", image);
    expect([code, stdout]).toEqual([0, expect.stringContaining("kind: WasmPlugin")]);
  });

  it("says which package a command lacks", async () => {
    const { code, stderr } = await modelgate("logs", join(app, "package.json"));
    expect([code, stderr]).toEqual([1, expect.stringMatching(/npm install @duckdb\/node-api@\d/)]);
  });
});

it.each([
  ["converter", NODES[0]],
  ["converter", NODES.at(-1)],
  ["filter", NODES[0]],
] as [string, string][])("a %s's folder stands alone, on Node %s", async (kind, version) => {
  const node = await nodeFolder(version);
  const app = await installed(`${kind}s-${version}`, node);
  const own = join(folder, `${kind}-${version}`);
  const make = () => run(node, app, "npx", "modelgate", "new", kind, "ranking", "--dir", own);
  expect((await make()).stderr).toContain("run npm install --save-dev @modelgate/filter-sdk");
  expect((await run(node, app, "npm", "install", "--prefix", ".", sdk)).code).toBe(0);
  expect((await make()).code).toBe(0);
  const { compilerOptions } = JSON.parse(await readFile(join(own, "tsconfig.json"), "utf8"));
  expect(compilerOptions.paths["modelgate/*"]).toEqual(["./node_modules/@modelgate/filter-sdk/filters/*"]);
  // No registry has the packages that its package.json names.
  await writeFile(join(own, "package.json"), await withFiles(join(own, "package.json")));
  expect((await run(node, own, "npm", "install", "--prefix", ".")).code).toBe(0);
  const built = await run(node, own, "npm", "run", "build");
  expect([built.code, built.stderr]).toEqual([
    0,
    expect.stringMatching(new RegExp(`built build/${kind}.wasm, \\d+ bytes`)),
  ]);
  expect((await run(node, own, "npm", "test")).code).toBe(0);
});

async function withFiles(path: string): Promise<string> {
  const made = JSON.parse(await readFile(path, "utf8"));
  expect(Object.keys(made.devDependencies)).toEqual(["@modelgate/filter-sdk", "modelgate"]);
  return JSON.stringify({
    ...made,
    devDependencies: { "@modelgate/filter-sdk": `file:${sdk}`, modelgate: `file:${tarball}` },
  });
}

it("works when it is installed globally", async () => {
  const node = await nodeFolder(NODES[0] as string);
  const prefix = join(folder, "global");
  await mkdir(prefix);
  const { code } = await run(node, prefix, "npm", "install", "-g", "--prefix", prefix, tarball);
  expect(code).toBe(0);
  const { stdout } = await run(node, prefix, join(prefix, "bin/modelgate"), "--help");
  expect(stdout).toContain("Usage: modelgate");
});

it(`refuses Node ${TOO_OLD} with one line`, async () => {
  const node = await nodeFolder(TOO_OLD);
  const bin = join(folder, NODES[0] as string, "node_modules/modelgate/tools/cli/bin.js");
  const { code, stdout, stderr } = await run(node, folder, join(node, "node"), bin, "validate");
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toBe(`modelgate: Node ${TOO_OLD} is too old: install Node 22.15 or newer\n`);
});

it("has versions that package.json of the checkout pins", async () => {
  const own = JSON.parse(await readFile(new URL("package.json", PROJECT_ROOT), "utf8"));
  const published = JSON.parse(
    await readFile(new URL("build/package/modelgate/package.json", PROJECT_ROOT), "utf8"),
  );
  expect(published.peerDependencies["@modelgate/filter-sdk"]).toBe(own.version);
  for (const [name, version] of Object.entries({ ...published.dependencies, ...published.peerDependencies }))
    if (name !== "@modelgate/filter-sdk") expect([name, version]).toEqual([name, own.dependencies[name]]);
  expect(published.private).toBeUndefined();
});
