import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { MODULES } from "../../tools/lib/wasm/modules.ts";
import { loops, roomOf, unplaced, wrongFloors } from "../support/house/imports.ts";
import { type Finding, type Source, sourceOf } from "../support/house/source.ts";
import { bareSleeps, hooksOfHelpers, longComments, longFiles, unitsMissing } from "../support/house/text.ts";
import { deadFiles, unusedExports, wrongCommandExports } from "../support/house/use.ts";

/** The rules of the house (ARCHITECTURE.md). There is no list of exceptions: what breaks a rule is changed. */

const read = (path: string) => readFileSync(new URL(path, PROJECT_ROOT), "utf8");
const files = execFileSync(
  "git",
  ["ls-files", "--cached", "--others", "--exclude-standard", "tools", "filters", "test"],
  {
    cwd: PROJECT_ROOT,
    encoding: "utf8",
  },
)
  .split("\n")
  .filter((path) => path !== "" && existsSync(new URL(path, PROJECT_ROOT)));
const paths = files.filter((path) => /\.(?:ts|mts|html|css|svg)$/.test(path));
const there = new Set(paths);
const sources = paths.map((path) => sourceOf(path, read(path), (each) => there.has(each)));
const inFolder = (folder: string) => sources.filter(({ path }) => path.startsWith(`${folder}/`));
const tools = inFolder("tools");
const product = [...tools, ...inFolder("filters")];

/** Where paths of files stand that are started by name. */
const started = ["package.json", "asconfig.json"].map(read).join("\n");
const strings = product.flatMap(({ code }) => code.match(/"(?:tools|filters)\/[^"\s]+"/g) ?? []).join("\n");

function isEntry({ path }: Source): boolean {
  const stem = path.replace(/\.ts$/, "");
  return (
    started.includes(stem) ||
    // Declarations, which compilers read of themselves.
    path.endsWith(".d.ts") ||
    MODULES.some((name) => path === `filters/${name}/module.ts`) ||
    strings.includes(`"${path}"`) ||
    strings.includes(`"${stem}"`) ||
    strings.includes(`"${path.slice(0, path.lastIndexOf("/") + 1)}"`)
  );
}

function told(findings: Finding[]): string[] {
  return findings.map(({ path, line, text }) => `${path}:${line}: ${text}`);
}

it("every folder is on a floor", () => {
  expect(told(unplaced(files.filter((path) => /^(?:tools|filters)\//.test(path))))).toEqual([]);
});
it("imports lead down", () => expect(told(wrongFloors(product))).toEqual([]));
it("no room leads back into itself", () => expect(told(loops(product, roomOf))).toEqual([]));
it("no file leads back into itself", () => expect(told(loops(product, (path) => path))).toEqual([]));
it("commands export themselves only", () => expect(told(wrongCommandExports(product))).toEqual([]));
it("every export is needed", () => {
  expect(told(unusedExports(product, inFolder("test"), isEntry))).toEqual([]);
});
it("every file is reached", () => expect(told(deadFiles(product, isEntry))).toEqual([]));
it("files are short", () => expect(told(longFiles(product))).toEqual([]));
it("comments are of 110 columns at the most", () => expect(told(longComments(product))).toEqual([]));
it("tests say what they wait for", () => {
  expect(told(bareSleeps(inFolder("test"), "test/support/pace.ts"))).toEqual([]);
});
it("helpers of tests set no hooks when they are loaded", () => {
  expect(told(hooksOfHelpers(inFolder("test")))).toEqual([]);
});
it("times say their unit", () => expect(told(unitsMissing(product))).toEqual([]));
