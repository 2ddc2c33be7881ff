import { execFile } from "node:child_process";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PROJECT_ROOT } from "../lib/installation.ts";
import { MODULES, modulePath } from "../lib/wasm/modules.ts";

/** Where the package's files are put together. */
const STAGE = new URL("build/package/modelgate/", PROJECT_ROOT);

/**
 * What only some commands need: the collector's database and exports, and the compiler. npm installs none of
 * them by itself.
 */
const OPTIONAL = ["@duckdb/node-api", "@platformatic/kafka", /^@opentelemetry\//, "assemblyscript"];
/** What a checkout needs to run its TypeScript. */
const CHECKOUT_ONLY = ["amaro"];
const COPIED = [
  "proto",
  "manifests",
  "README.md",
  "CHANGELOG.md",
  "LICENSE",
  "NOTICE",
  "asconfig.json",
  "filters",
];

type Versions = Record<string, string>;

/**
 * Puts the npm package `modelgate` together in `STAGE`: JavaScript, modules and what they read.
 * @returns its folder
 */
export async function stagePackage(): Promise<string> {
  await rm(STAGE, { recursive: true, force: true });
  await mkdir(new URL("build/", STAGE), { recursive: true });
  await run("node_modules/.bin/tsc", ["-p", "tsconfig.package.json"]);
  for (const name of COPIED) await cp(new URL(name, PROJECT_ROOT), new URL(name, STAGE), { recursive: true });
  for (const suffix of [".html", ".css", ".svg"]) await copyPage(suffix);
  for (const name of MODULES)
    for (const suffix of ["", ".map"])
      await cp(`${modulePath(name)}${suffix}`, new URL(`build/${name}.wasm${suffix}`, STAGE));
  const { stdout } = await promisify(execFile)("git", ["rev-parse", "HEAD"], {
    cwd: fileURLToPath(PROJECT_ROOT),
  });
  const own = JSON.parse(await readFile(new URL("package.json", PROJECT_ROOT), "utf8"));
  await writeFile(
    new URL("package.json", STAGE),
    `${JSON.stringify({ ...manifest(own), gitHead: stdout.trim() }, null, 2)}\n`,
  );
  return fileURLToPath(STAGE);
}

/** The package.json that is published, made of the checkout's. */
function manifest(own: {
  [field: string]: unknown;
  bin: { modelgate: string };
  dependencies: Versions;
  devDependencies: Versions;
}): object {
  const { private: _, scripts, devDependencies, dependencies, ...rest } = own;
  const all = Object.entries({ ...dependencies, assemblyscript: devDependencies.assemblyscript as string });
  const optional = all.filter(([name]) => isOneOf(OPTIONAL, name));
  return {
    ...rest,
    bin: { modelgate: own.bin.modelgate.replace(/ts$/, "js") },
    exports: { "./converter-test": "./tools/local/converter/try.js", "./package.json": "./package.json" },
    engines: { node: ">=22.15" },
    dependencies: Object.fromEntries(
      all.filter(([name]) => !isOneOf(OPTIONAL, name) && !CHECKOUT_ONLY.includes(name)),
    ),
    peerDependencies: Object.fromEntries(optional),
    peerDependenciesMeta: Object.fromEntries(optional.map(([name]) => [name, { optional: true }])),
  };
}

function isOneOf(patterns: (string | RegExp)[], name: string): boolean {
  return patterns.some((each) => (typeof each === "string" ? each === name : each.test(name)));
}

async function copyPage(suffix: string): Promise<void> {
  const page = "tools/servers/collector/page/";
  await cp(new URL(page, PROJECT_ROOT), new URL(page, STAGE), {
    recursive: true,
    filter: (path) => !/\.\w+$/.test(path) || path.endsWith(suffix),
  });
}

async function run(program: string, args: string[]): Promise<void> {
  await promisify(execFile)(fileURLToPath(new URL(program, PROJECT_ROOT)), args, {
    cwd: fileURLToPath(PROJECT_ROOT),
  });
}
