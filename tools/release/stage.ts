import { execFile } from "node:child_process";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { checkedOutCommit } from "../lib/commit.ts";
import { PROJECT_ROOT } from "../lib/installation.ts";
import { MODULES, modulePath } from "../lib/wasm/modules.ts";
import { SDK_PACKAGE } from "../lib/wasm/sdk.ts";

/** Where the package's files are put together. */
const STAGE = new URL("build/package/modelgate/", PROJECT_ROOT);
const SDK_STAGE = new URL("build/package/filter-sdk/", PROJECT_ROOT);

const COPIED = ["proto", "manifests", "README.md", "CHANGELOG.md", "LICENSE", "NOTICE"];
const SDK_COPIED = ["filters", "asconfig.json", "LICENSE", "NOTICE"];
/** What the filters are compiled with. */
const SDK_NEEDS = ["assemblyscript", "@solo-io/proxy-runtime"];

/**
 * What only some commands need: the collector's database and exports. A checkout has them as plain
 * dependencies, since npm leaves out optional ones in silence where they ask for a newer Node than the one
 * that runs npm.
 */
const OPTIONAL = /^(@duckdb|@opentelemetry|@platformatic)\//;

/** By name. */
type Versions = Record<string, string>;

/**
 * Puts the npm package `modelgate` together in `STAGE`: JavaScript, modules and what they read.
 * @returns its folder
 */
export async function stagePackage(): Promise<string> {
  await rm(STAGE, { recursive: true, force: true });
  await mkdir(new URL("build/", STAGE), { recursive: true });
  await run("node_modules/.bin/tsc", ["-p", "tsconfig.package.json"]);
  const filter = (path: string) => !path.endsWith("/manifests/chart");
  for (const name of COPIED)
    await cp(new URL(name, PROJECT_ROOT), new URL(name, STAGE), { recursive: true, filter });
  await copyPage();
  for (const name of MODULES)
    for (const suffix of ["", ".map"])
      await cp(`${modulePath(name)}${suffix}`, new URL(`build/${name}.wasm${suffix}`, STAGE));
  await writeManifest(STAGE, { ...manifest(await ownManifest()), gitHead: await checkedOutCommit() });
  return fileURLToPath(STAGE);
}

/**
 * Puts the npm package of the filters' SDK together: their sources, and as dependencies what compiles them.
 * @returns its folder
 */
export async function stageSdk(): Promise<string> {
  await rm(SDK_STAGE, { recursive: true, force: true });
  await mkdir(SDK_STAGE, { recursive: true });
  for (const name of SDK_COPIED)
    await cp(new URL(name, PROJECT_ROOT), new URL(name, SDK_STAGE), { recursive: true });
  const { version, license, devDependencies } = await ownManifest();
  await writeManifest(SDK_STAGE, {
    ...{ name: SDK_PACKAGE, version, license },
    description: "What filters and converters of Modelgate are written with, in AssemblyScript",
    dependencies: Object.fromEntries(SDK_NEEDS.map((name) => [name, devDependencies[name]])),
  });
  return fileURLToPath(SDK_STAGE);
}

interface OwnManifest {
  [field: string]: unknown;
  version: string;
  bin: Versions;
  dependencies: Versions;
  devDependencies: Versions;
}

async function ownManifest(): Promise<OwnManifest> {
  return JSON.parse(await readFile(new URL("package.json", PROJECT_ROOT), "utf8"));
}

async function writeManifest(folder: URL, content: object): Promise<void> {
  await writeFile(new URL("package.json", folder), `${JSON.stringify(content, null, 2)}\n`);
}

/** The package.json that is published, made of the checkout's. npm installs optional peers when told to. */
function manifest(own: OwnManifest): object {
  const { private: _, scripts, devDependencies, dependencies, ...rest } = own;
  const all = Object.entries(dependencies);
  const optional = Object.fromEntries([
    ...all.filter(([name]) => OPTIONAL.test(name)),
    [SDK_PACKAGE, own.version],
  ]);
  return {
    ...rest,
    bin: Object.fromEntries(Object.entries(own.bin).map(([name, path]) => [name, path.replace(/ts$/, "js")])),
    exports: {
      "./converter-test": "./tools/local/converter/try.js",
      "./filter-test": "./tools/local/filter/try.js",
      "./package.json": "./package.json",
    },
    engines: { node: ">=22.15" },
    dependencies: Object.fromEntries(all.filter(([name]) => !OPTIONAL.test(name))),
    peerDependencies: optional,
    peerDependenciesMeta: Object.fromEntries(Object.keys(optional).map((name) => [name, { optional: true }])),
  };
}

/** What of the page is no TypeScript: the compiler has left that there as JavaScript. */
async function copyPage(): Promise<void> {
  const page = "tools/servers/collector/page/";
  await cp(new URL(page, PROJECT_ROOT), new URL(page, STAGE), {
    recursive: true,
    filter: (path) => !path.endsWith(".ts"),
  });
}

async function run(program: string, args: string[]): Promise<void> {
  await promisify(execFile)(fileURLToPath(new URL(program, PROJECT_ROOT)), args, {
    cwd: fileURLToPath(PROJECT_ROOT),
  });
}
